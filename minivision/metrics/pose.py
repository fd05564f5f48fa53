"""Evaluation of poses: the joints of the single person in each image."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.metrics.compatibility import check_dataset
from minivision.metrics.keypoints import (
    correct_keypoints,
    joint_sigmas,
    longer_box_side,
    missing_of_torso,
    torso_length,
    unknown_joints,
)
from minivision.metrics.objects import compare_keypoints
from minivision.metrics.prediction import single_objects

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.executors import Executor
    from minivision.models.base.model import Model

logger = logging.getLogger("minivision")

BY_BOX, BY_TORSO, OKS = "PCK@0.2 (longer box side)", "PCK@0.2 (torso)", "OKS (mean)"


def evaluate_pose(
    model: Model, dataset: Dataset, *, batch_size: int = 16, progress: bool = False, executor: Executor | None = None
) -> dict[str, Any]:
    """Compare the joints that a model predicts for the single person in each image with the true ones.

    Parameters
    ----------
    model : Model
        With ``predict(images) -> list of Instances``, one person in each.
    dataset : Dataset
        With the same classes as the model, joints, and one person in each image.
    batch_size : int
        Number of images in each call of ``model.predict``.
    progress : bool
        Whether to show a progress bar, on stderr.
    executor : Executor, optional
        Where the predictions are made, as in :func:`~minivision.metrics.prediction.predict_dataset`; by default here.

    Returns
    -------
    metrics : dict
        From 0 to 1: ``"PCK@0.2 (longer box side)"``, the fraction of labeled joints whose distance from the true joint
        is at most 0.2 times the longer side of the person's true box; ``"PCK@0.2 (torso)"``, at most 0.2 times the
        distance from the left shoulder to the right hip; ``"OKS (mean)"``, object keypoint similarity with COCO's
        constants; ``joints``, the first metric by the name of the joint, NaN if none is labeled; ``images``, the number
        of images. See `correct_keypoints`, `torso_length` and `object_keypoint_similarity`. The last two metrics are
        NaN, with a warning, where the joints have other names than people's.

    Raises
    ------
    ValueError
        If the classes or the joints differ, or an image has no person or several, in ground truth or prediction.
    """
    check_dataset(model, dataset, "boxes", "keypoints")
    names = tuple(dataset.keypoint_names)
    unknown, no_torso = unknown_joints(names), missing_of_torso(names)
    if unknown:
        logger.warning("%s: not computed, since there is no constant for the joints %s", OKS, ", ".join(unknown))
    if no_torso:
        logger.warning("%s: not computed, since there is no joint %s", BY_TORSO, " and no ".join(no_torso))
    truths, predictions = single_objects(model, dataset, batch_size=batch_size, progress=progress, executor=executor)
    true, predicted = (_joints(each, len(names)) for each in (truths, predictions))  # (N, J, 3)
    boxes = np.concatenate([truth.boxes for truth in truths])
    torsos = np.full(len(true), np.nan) if no_torso else torso_length(true, names)
    by_box, by_torso = (correct_keypoints(predicted, true, unit) for unit in (longer_box_side(boxes), torsos))
    labeled = (true[..., 2] > 0).any(axis=1)
    if not labeled.any():
        logger.warning("There is nothing to count: no joint is labeled in the %d images", len(true))
    similarity = [] if unknown else _similarities(truths, predictions, labeled, joint_sigmas(names))
    return {
        BY_BOX: _divide(*(count.sum() for count in by_box)),
        BY_TORSO: _divide(*(count.sum() for count in by_torso)),
        OKS: _divide(sum(similarity), len(similarity)),
        "joints": {name: _divide(*counts) for name, *counts in zip(names, *by_box, strict=True)},
        "images": len(dataset),
    }


def _similarities(truths, predictions, labeled, sigmas):
    """Return the OKS of each person that has labeled joints."""
    pairs = [pair for pair, chosen in zip(zip(truths, predictions, strict=True), labeled, strict=True) if chosen]
    return [compare_keypoints(truth, prediction, sigmas).similarity[0, 0] for truth, prediction in pairs]


def _joints(instances, expected):
    """Return the joints of people, ``(N, J, 3)``."""
    for image, each in enumerate(instances):
        count = 0 if each.keypoints is None else each.keypoints.shape[1]
        if count != expected:
            raise ValueError(f"image {image}: expected {expected} joints, as in the dataset, got {count}")
    return np.concatenate([each.keypoints for each in instances])


def _divide(part, whole):
    return float(part / whole) if whole else float("nan")
