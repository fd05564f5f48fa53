"""Checks that a model and a dataset fit together, and a prediction and its ground truth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.data import Dataset, Instances
    from minivision.models.base.model import Model


def check_dataset(model: Model, dataset: Dataset, *needs: str) -> None:
    """Raise ValueError unless `dataset` has the classes of `model` and the annotations that are needed.

    Parameters
    ----------
    model : Model
    dataset : Dataset
    *needs : str
        ``"label_maps"``, ``"boxes"``, ``"keypoints"``, ``"captions"``.
    """
    ours, theirs = tuple(model.classes), tuple(dataset.classes)
    if ours != theirs:
        raise ValueError(
            f"the model knows the classes {_list(ours)}, but the dataset has {_list(theirs)}; "
            "they must be the same, in the same order"
        )
    if "label_maps" in needs and not dataset.has_label_maps:
        raise ValueError(
            f"{model.name} needs to know the class of every pixel, and this dataset has no label maps; "
            "take a split or a dataset with segmentations"
        )
    if "boxes" in needs and not dataset.has_boxes:
        raise ValueError(f"{model.name} needs boxes, and this dataset has label maps only")
    if "keypoints" in needs and not dataset.keypoint_names:
        raise ValueError(f"{model.name} needs to know where people's joints are, and this dataset has none")
    if "captions" in needs and not dataset.has_captions:
        raise ValueError(
            f"{model.name} needs captions of the objects, and this dataset has none; "
            "scenes have them with captions=True"
        )


def check_classes(classes: Sequence[str]) -> None:
    """Raise ValueError unless these are the background and at least one other class, with names that all differ."""
    if len(classes) < 2 or len(set(classes)) < len(classes):
        raise ValueError(f"classes: expected the background and other names that all differ, got {classes!r}")


def pairs(truths: Iterable[Instances], predictions: Iterable[Instances]) -> Iterator[tuple[Instances, Instances]]:
    """Yield the truth and the prediction of each image; raise ValueError where there is only one of them."""
    for truth, prediction in zip_longest(truths, predictions):
        if truth is None or prediction is None:
            fewer, more = ("truths", "predictions") if truth is None else ("predictions", "truths")
            raise ValueError(
                f"there are fewer {fewer} than {more}; give one of each for every image, in the same order"
            )
        yield truth, prediction


def check_pair(truth: Instances, prediction: Instances, kind: str, classes: Sequence[str], image: int) -> None:
    """Raise ValueError unless the detections in an image can be compared with its objects.

    Parameters
    ----------
    truth, prediction : Instances
    kind : str
        The compared field: ``"box"``, ``"mask"`` or ``"keypoints"``.
    classes : sequence of str
    image : int
        The number of the image, for the message.
    """
    for name, instances in (("truth", truth), ("prediction", prediction)):
        where = f"the {name} for image {image}"
        if instances.labels.max(initial=0) >= len(classes):
            raise ValueError(
                f"{where} has label {instances.labels.max()}, but there are only {len(classes)} classes "
                "with the background, 0"
            )
        if len(instances) and kind == "mask" and not instances.has_masks:
            raise ValueError(f"{where} has no masks; compare boxes instead")
        if len(instances) and kind == "keypoints" and instances.keypoints is None:
            raise ValueError(f"{where} has no keypoints; compare boxes instead")
        for field in ("boxes", "scores", "keypoints"):
            values = getattr(instances, field)
            if values is not None and not np.isfinite(values).all():
                raise ValueError(f"{where} has {field} that are not finite numbers, so it cannot be evaluated")
    if len(prediction) and prediction.scores is None:
        raise ValueError(f"the prediction for image {image} has no scores, so its objects cannot be ranked")
    if len(truth) and len(prediction):
        if kind == "mask" and truth.mask_size != prediction.mask_size:
            raise ValueError(
                f"image {image}: its masks have size {truth.mask_size} (height, width) in the ground truth and "
                f"{prediction.mask_size} in the prediction"
            )
        if kind == "keypoints":
            true, predicted = (each.keypoints.shape[1] for each in (truth, prediction) if each.keypoints is not None)
            if true != predicted:
                raise ValueError(
                    f"image {image}: people have {true} joints in the ground truth and {predicted} in the prediction"
                )


def _list(names):
    shown = ", ".join(names[:8])
    return f"({shown}, ... {len(names)} in all)" if len(names) > 8 else f"({shown})"
