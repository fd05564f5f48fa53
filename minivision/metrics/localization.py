"""Evaluation of localization: the class and the box of the single object in each image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.metrics.compatibility import check_dataset
from minivision.metrics.prediction import single_objects
from minivision.ops import box_iou

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.executors import Executor
    from minivision.models.base.model import Model


def evaluate_localization(
    model: Model, dataset: Dataset, *, batch_size: int = 16, progress: bool = False, executor: Executor | None = None
) -> dict[str, Any]:
    """Compare the single object that a model predicts for each image with the true one.

    Parameters
    ----------
    model : Model
        With ``predict(images) -> list of Instances``, one object in each.
    dataset : Dataset
        With the same classes as the model, and one object in each image.
    batch_size : int
        Number of images in each call of ``model.predict``.
    progress : bool
        Whether to show a progress bar, on stderr.
    executor : Executor, optional
        Where the predictions are made, as in :func:`~minivision.metrics.prediction.predict_dataset`; by default here.

    Returns
    -------
    metrics : dict
        From 0 to 1: ``accuracy``, the fraction of images whose class is correct; ``mean_iou``, the mean IoU of true and
        predicted box, for correct and wrong classes; ``localized``, the fraction of images whose class is correct and
        whose boxes have an IoU of 0.5 or more; [1]_ ``classes``, the same three by the name of the true class, NaN if
        it does not occur; ``images``, the number of images.

    Raises
    ------
    ValueError
        If the classes differ, or an image has no object or several, in ground truth or prediction.

    References
    ----------
    .. [1] The localization task of Russakovsky et al., ImageNet large scale visual recognition challenge, IJCV 2015,
       with one guess.
    """
    check_dataset(model, dataset, "boxes")
    truths, predictions = single_objects(model, dataset, batch_size=batch_size, progress=progress, executor=executor)
    labels = np.array([truth.labels[0] for truth in truths])
    correct = labels == [prediction.labels[0] for prediction in predictions]
    iou = np.array([_iou(*pair) for pair in zip(truths, predictions, strict=True)])
    parts = {"accuracy": correct, "mean_iou": iou, "localized": correct & (iou >= 0.5)}

    def means(chosen):
        return {name: float(part[chosen].mean()) if chosen.any() else float("nan") for name, part in parts.items()}

    by_class = {name: means(labels == label) for label, name in enumerate(model.classes) if label > 0}
    return {**means(np.ones(len(labels), bool)), "classes": by_class, "images": len(dataset)}


def _iou(truth, prediction):
    """Return the IoU of the boxes of two Instances of one object each."""
    return box_iou(prediction.boxes.astype(np.float64), truth.boxes.astype(np.float64))[0, 0]
