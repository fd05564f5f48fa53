"""Evaluation of label maps: confusion matrix, pixel accuracy and IoU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array
from minivision.metrics.compatibility import check_dataset
from minivision.metrics.prediction import predict_dataset

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.executors import Executor
    from minivision.models.base.model import Model


def confusion_matrix(truth: Array, prediction: Array, num_classes: int) -> Array:
    """Count the pixels of each true class by their predicted class.

    Parameters
    ----------
    truth, prediction : integer ndarray of the same shape
        Class of each pixel, 0 to ``num_classes - 1``. Pixels that are 255 in `truth` are not counted.
    num_classes : int
        Number of classes, including the background.

    Returns
    -------
    confusion : int64 ndarray of shape (num_classes, num_classes)
        ``[i, j]`` is the number of pixels of class i that are predicted as class j.

    Raises
    ------
    ValueError
        If the shapes differ, or a class is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.metrics import class_iou, confusion_matrix
    >>> confusion = confusion_matrix(np.array([0, 0, 1, 255]), np.array([0, 1, 1, 1]), num_classes=2)
    >>> confusion.tolist()
    [[1, 1], [0, 1]]
    >>> class_iou(confusion).tolist()
    [0.5, 0.5]
    """
    truth, prediction = np.asarray(truth), np.asarray(prediction)
    if truth.shape != prediction.shape:
        raise ValueError(f"prediction: expected the shape of truth, {truth.shape}, got {prediction.shape}")
    known = truth != IGNORE
    truth, prediction = truth[known].astype(np.int64), prediction[known].astype(np.int64)
    for name, classes in (("truth", truth), ("prediction", prediction)):
        if classes.size and not 0 <= classes.min() <= classes.max() < num_classes:
            raise ValueError(f"{name}: expected classes 0 to {num_classes - 1}, got {classes.min()} to {classes.max()}")
    counts = np.bincount(num_classes * truth + prediction, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def pixel_accuracy(confusion: Array) -> float:
    """Return the fraction of pixels whose predicted class is correct; NaN if no pixel was counted."""
    return float(_divide(np.trace(confusion), confusion.sum()))


def class_iou(confusion: Array) -> Array:
    """Return the IoU of the true and the predicted pixels of each class.

    Parameters
    ----------
    confusion : ndarray of shape (C, C)
        Of a whole dataset: the intersections and unions of all images are added before they are divided. [1]_

    Returns
    -------
    iou : float ndarray of shape (C,)
        0 to 1; NaN for a class that is neither in the ground truth nor predicted.

    References
    ----------
    .. [1] Everingham et al., The PASCAL visual object classes challenge: a retrospective, IJCV 2015,
       section 4.2.
    """
    intersection = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - intersection
    return _divide(intersection, union)


def mean_iou(confusion: Array) -> float:
    """Return the mean of :func:`class_iou` over the classes that occur, including the background."""
    iou = class_iou(confusion)
    return float(np.mean(iou[~np.isnan(iou)])) if not np.isnan(iou).all() else float("nan")


def evaluate_segmentation(
    model: Model, dataset: Dataset, *, batch_size: int = 16, progress: bool = False, executor: Executor | None = None
) -> dict[str, Any]:
    """Predict a label map for every image and compare it with the true one.

    Parameters
    ----------
    model : Model
        With ``predict(images) -> label maps``.
    dataset : Dataset
        With the same classes as the model.
    batch_size : int
        Number of images in each call of ``model.predict``.
    progress : bool
        Whether to show a progress bar, on stderr.
    executor : Executor, optional
        Where the predictions are made, as in :func:`~minivision.metrics.prediction.predict_dataset`; by default here.

    Returns
    -------
    metrics : dict
        ``miou`` and ``pixel_accuracy``, from 0 to 1; ``iou``, by class name, including the background (NaN for a class
        that is neither in the ground truth nor predicted; ``miou`` is the mean over the others); ``images``, the
        number of images. The pixels of all images are counted together, except those of unknown class (255).

    Raises
    ------
    ValueError
        If the classes differ, or the dataset has no label maps, no images, or no pixel of a class besides the
        background: every model that predicts nothing would be perfect.
    """
    confusion = np.zeros((len(model.classes),) * 2, np.int64)
    for one in image_confusions(model, dataset, batch_size=batch_size, progress=progress, executor=executor):
        confusion += one
    return segmentation_metrics(confusion, model.classes, len(dataset))


def image_confusions(
    model: Model, dataset: Dataset, *, batch_size: int = 16, progress: bool = False, executor: Executor | None = None
) -> Iterator[Array]:
    """Predict a label map for every image, and yield its :func:`confusion_matrix`; see `evaluate_segmentation`."""
    check_dataset(model, dataset, "label_maps")
    for sample, prediction in predict_dataset(
        model, dataset, batch_size=batch_size, progress=progress, executor=executor
    ):
        yield confusion_matrix(sample.label_map, prediction, len(model.classes))


def segmentation_metrics(confusion: Array, classes: Sequence[str], images: int) -> dict[str, Any]:
    """Return the metrics of `evaluate_segmentation` from the sum of the confusion matrices of all images.

    Raises
    ------
    ValueError
        If the ground truth has no class besides the background.
    """
    if not confusion[1:].any():
        raise ValueError(
            f"there is nothing to count: the label maps of the {images} images have no class besides 0, the "
            f"background, and {IGNORE}, pixels to ignore"
        )
    return {
        "miou": mean_iou(confusion),
        "pixel_accuracy": pixel_accuracy(confusion),
        "iou": dict(zip(classes, class_iou(confusion).tolist(), strict=True)),
        "images": images,
    }


def _divide(numerator, denominator):
    """Divide; 0/0 is NaN, without a warning."""
    with np.errstate(invalid="ignore"):
        return np.true_divide(numerator, denominator)
