"""Metrics of predicted joints: object keypoint similarity (OKS) and percentage of correct keypoints (PCK)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from minivision.core.types import Array
from minivision.data.dataset import joint_words
from minivision.data.shapes import JOINTS

# Standard deviation of human annotations of a joint, in units of the person's size, the square root of its area.
# Ronchi and Perona, Benchmarking and error diagnosis in multi-instance pose estimation, ICCV 2017, and
# https://cocodataset.org/#keypoints-eval. COCO has no neck and no head: for these two, this project takes the value of
# a shoulder.
JOINT_SIGMAS = {
    "nose": 0.026, "eye": 0.025, "ear": 0.035, "shoulder": 0.079, "elbow": 0.072, "wrist": 0.062, "hip": 0.107,
    "knee": 0.087, "ankle": 0.089, "neck": 0.079, "head": 0.079,
}  # fmt: skip
COCO_JOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip

TORSO = ("left_shoulder", "right_hip")


def joint_sigmas(names: Sequence[str]) -> Array:
    """Return COCO's constants for OKS, one for each joint.

    Parameters
    ----------
    names : sequence of str
        Such as ``"left_knee"`` or ``"Left Knee"``; COCO's 17 joints, ``"neck"`` and ``"head"``.

    Returns
    -------
    sigmas : float64 ndarray of shape (J,)

    Raises
    ------
    ValueError
        If there is no constant for a name.
    """
    unknown = unknown_joints(names)
    if unknown:
        raise ValueError(
            f"there is no OKS constant for {', '.join(map(repr, unknown))}, only for {', '.join(JOINT_SIGMAS)} "
            "(left_ and right_); give sigmas, one for each joint"
        )
    return np.array([JOINT_SIGMAS[_part(name)] for name in names])


def unknown_joints(names: Sequence[str]) -> list[str]:
    """Return the names for which `joint_sigmas` has no constant."""
    return [name for name in names if _part(name) not in JOINT_SIGMAS]


def _part(name):
    return "_".join(word for word in joint_words(name) if word not in ("left", "right"))


def default_sigmas(joints: int) -> Array:
    """Return the constants for OKS of COCO's 17 joints, or of the 14 of the scenes and of Leeds Sports Pose."""
    names = {len(COCO_JOINTS): COCO_JOINTS, len(JOINTS): JOINTS}
    if joints not in names:
        raise ValueError(f"sigmas: there are none for {joints} joints, only for 17 and 14; give one for each joint")
    return joint_sigmas(names[joints])


def object_keypoint_similarity(
    predicted: ArrayLike, true: ArrayLike, areas: ArrayLike, sigmas: ArrayLike, boxes: ArrayLike
) -> Array:
    """Return the OKS of each predicted person with each true one.

    It is the mean of ``exp(-d^2 / (2 area k^2))`` over the labeled joints, with the distance d of predicted and true
    joint and ``k = 2 sigma``. [1]_ A true person without labeled joints is a region to ignore in an evaluation: d is
    then the distance from its box, enlarged to three times its width and height.

    Parameters
    ----------
    predicted : ndarray of shape (D, J, 3)
        ``x, y, visibility``; the visibility is not used.
    true : ndarray of shape (T, J, 3)
        Visibility 0 means not labeled.
    areas : ndarray of shape (T,)
        Areas of the true people, in pixels.
    sigmas : ndarray of shape (J,)
    boxes : ndarray of shape (T, 4)
        Boxes of the true people.

    Returns
    -------
    similarity : float64 ndarray of shape (D, T)
        0 to 1.

    References
    ----------
    .. [1] https://cocodataset.org/#keypoints-eval
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    boxes = np.asarray(boxes, np.float64)
    distance = predicted[:, None, :, :2] - true[None, :, :, :2]  # (D, 1, J, 2), (1, T, J, 2) -> (D, T, J, 2)
    labeled = true[..., 2] > 0
    empty: Array = ~np.any(labeled, axis=1)
    if empty.any():
        size = boxes[empty, 2:] - boxes[empty, :2]
        low, high = (boxes[empty, :2] - size)[:, None], (boxes[empty, 2:] + size)[:, None]  # (E, 1, 2)
        points = predicted[:, None, :, :2]
        distance[:, empty] = np.maximum(low - points, 0) + np.maximum(points - high, 0)
        labeled = labeled | empty[:, None]
    squared = (distance**2).sum(axis=-1)
    areas = np.asarray(areas, np.float64)[:, None] + np.spacing(1)  # a person may have no pixels
    similarity = np.exp(-squared / (2 * np.asarray(sigmas)) ** 2 / areas / 2)
    return np.where(labeled, similarity, 0).sum(axis=-1) / labeled.sum(axis=-1)


def longer_box_side(boxes: ArrayLike) -> Array:
    """Return the longer side of each of ``(K, 4)`` boxes: Yang and Ramanan's unit of PCK; see `correct_keypoints`."""
    boxes = np.asarray(boxes, np.float64)
    return (boxes[:, 2:] - boxes[:, :2]).max(axis=1)


def missing_of_torso(names: Sequence[str]) -> list[str]:
    """Return the joints that `torso_length` needs and that are not among `names`."""
    words = [joint_words(name) for name in names]
    return [name for name in TORSO if joint_words(name) not in words]


def torso_length(keypoints: ArrayLike, names: Sequence[str]) -> Array:
    """Return each person's distance from the left shoulder to the right hip; NaN if one of them is not labeled.

    This is the torso diameter of Sapp and Taskar, [1]_ along the diagonal that evaluations of PCK on the Leeds Sports
    Pose dataset use.

    Parameters
    ----------
    keypoints : ndarray of shape (K, J, 3)
    names : sequence of J str

    Returns
    -------
    length : float64 ndarray of shape (K,)

    References
    ----------
    .. [1] Sapp and Taskar, MODEC: multimodal decomposable models for human pose estimation, CVPR 2013.
    """
    missing = missing_of_torso(names)
    if missing:
        raise ValueError(f"a torso is measured from left_shoulder to right_hip, and there is no joint {missing[0]!r}")
    words = [joint_words(name) for name in names]
    shoulder, hip = (np.asarray(keypoints, np.float64)[:, words.index(joint_words(name))] for name in TORSO)
    length = np.hypot(*(shoulder - hip)[:, :2].T)
    return np.where((shoulder[:, 2] > 0) & (hip[:, 2] > 0), length, np.nan)


def correct_keypoints(
    predicted: ArrayLike, true: ArrayLike, unit: ArrayLike, *, alpha: float = 0.2
) -> tuple[Array, Array]:
    """Count the joints whose distance from the true joint is at most ``alpha * unit``; PCK is their fraction.

    Parameters
    ----------
    predicted, true : ndarray of shape (K, J, 3)
        ``x, y, visibility``. Only joints that are labeled in the ground truth (visibility 1 or 2) count.
    unit : ndarray of shape (K,)
        A length of each person, in pixels: `longer_box_side` [1]_ or `torso_length`. People for whom it is NaN do
        not count.
    alpha : float
        Largest distance of a correct joint, in units of `unit`.

    Returns
    -------
    correct, counted : int64 ndarray of shape (J,)
        Over all K; ``correct.sum() / counted.sum()`` is PCK, and ``correct / counted`` that of each joint.

    References
    ----------
    .. [1] Yang and Ramanan, Articulated human detection with flexible mixtures of parts, PAMI 2013.
    """
    predicted, true = np.asarray(predicted, np.float64), np.asarray(true, np.float64)
    if predicted.shape != true.shape:
        raise ValueError(
            f"predicted: expected joints of shape {true.shape}, as in the ground truth, got {predicted.shape}"
        )
    distance = np.hypot(*np.moveaxis((predicted - true)[..., :2], -1, 0))  # (K, J)
    limit = alpha * np.asarray(unit, np.float64)[:, None]
    counted = (true[..., 2] > 0) & ~np.isnan(limit)
    correct = counted & (distance <= limit)
    return correct.sum(axis=0), counted.sum(axis=0)
