"""How good a pose is: the joints of the one person in each image."""

import numpy as np

from minivision.metrics.compatibility import check_dataset
from minivision.metrics.keypoints import correct_keypoints, joint_sigmas, longer_box_side, torso_length
from minivision.metrics.objects import compare_keypoints
from minivision.metrics.prediction import single_objects

BY_BOX, BY_TORSO, OKS = "PCK@0.2 (longer box side)", "PCK@0.2 (torso)", "OKS (mean)"


def evaluate_pose(model, dataset, *, batch_size=16, progress=False):
    """Compare the joints that a model predicts for the one person in each image with the true ones.

    Parameters
    ----------
    model : Model
        With ``predict(images) -> list of Instances``, one person in each.
    dataset : Dataset
        Of the classes of the model, with joints, and one person in each image.
    batch_size : int
        Images predicted at once.
    progress : bool
        Whether to show a progress bar, on stderr.

    Returns
    -------
    dict
        From 0 to 1: ``"PCK@0.2 (longer box side)"``, the part of the labelled joints that are predicted within a fifth
        of the longer side of the person's true box; ``"PCK@0.2 (torso)"``, within a fifth of the distance from the left
        shoulder to the right hip; ``"OKS (mean)"``, object keypoint similarity with COCO's constants; ``joints``, the
        first of these by the name of the joint, NaN where none was labelled; ``images``, how many. See
        `correct_keypoints`, `torso_length` and `object_keypoint_similarity`.

    Raises
    ------
    ValueError
        When the classes or the joints differ, or an image has no person or several, in truth or prediction.
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
        compare_keypoints(truth, prediction, sigmas).overlap[0, 0]
        for truth, prediction in zip(truths, predictions, strict=True)
        if (truth.keypoints[..., 2] > 0).any()
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
        found = 0 if each.keypoints is None else each.keypoints.shape[1]
        if found != expected:
            raise ValueError(f"image {image}: expected {expected} joints, as the dataset names, got {found}")
    return np.concatenate([each.keypoints for each in instances])


def _divide(part, whole):
    return float(part / whole) if whole else float("nan")
