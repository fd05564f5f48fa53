"""Evaluation of poses: the joints of the single person in each image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.metrics.compatibility import check_dataset
from minivision.metrics.keypoints import correct_keypoints, joint_sigmas, longer_box_side, torso_length
from minivision.metrics.objects import compare_keypoints
from minivision.metrics.prediction import single_objects

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.models.base.model import Model

BY_BOX, BY_TORSO, OKS = "PCK@0.2 (longer box side)", "PCK@0.2 (torso)", "OKS (mean)"


def evaluate_pose(model: Model, dataset: Dataset, *, batch_size: int = 16, progress: bool = False) -> dict[str, Any]:
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

    Returns
    -------
    metrics : dict
        From 0 to 1: ``"PCK@0.2 (longer box side)"``, the fraction of labeled joints whose distance from the true joint
        is at most 0.2 times the longer side of the person's true box; ``"PCK@0.2 (torso)"``, at most 0.2 times the
        distance from the left shoulder to the right hip; ``"OKS (mean)"``, object keypoint similarity with COCO's
        constants; ``joints``, the first metric by the name of the joint, NaN if none is labeled; ``images``, the number
        of images. See `correct_keypoints`, `torso_length` and `object_keypoint_similarity`.

    Raises
    ------
    ValueError
        If the classes or the joints differ, or an image has no person or several, in ground truth or prediction.
    """
    check_dataset(model, dataset, "boxes", "keypoints")
    names = tuple(dataset.keypoint_names)
    truths, predictions = single_objects(model, dataset, batch_size=batch_size, progress=progress)
    true, predicted = (_joints(each, len(names)) for each in (truths, predictions))  # (N, J, 3)
    boxes = np.concatenate([truth.boxes for truth in truths])
    by_box, by_torso = (
        correct_keypoints(predicted, true, unit) for unit in (longer_box_side(boxes), torso_length(true, names))
    )
    sigmas = joint_sigmas(names)
    similarity = [
        compare_keypoints(truth, prediction, sigmas).similarity[0, 0]
        for truth, prediction in zip(truths, predictions, strict=True)
        if truth.keypoints is not None and (truth.keypoints[..., 2] > 0).any()
    ]
    return {
        BY_BOX: _divide(*(count.sum() for count in by_box)),
        BY_TORSO: _divide(*(count.sum() for count in by_torso)),
        OKS: _divide(sum(similarity), len(similarity)),
        "joints": {name: _divide(*counts) for name, *counts in zip(names, *by_box, strict=True)},
        "images": len(dataset),
    }


def _joints(instances, expected):
    """Return the joints of people, ``(N, J, 3)``."""
    for image, each in enumerate(instances):
        count = 0 if each.keypoints is None else each.keypoints.shape[1]
        if count != expected:
            raise ValueError(f"image {image}: expected {expected} joints, as in the dataset, got {count}")
    return np.concatenate([each.keypoints for each in instances])


def _divide(part, whole):
    return float(part / whole) if whole else float("nan")
