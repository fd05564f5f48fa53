"""How good predicted label maps are: pixel accuracy, intersection over union, and their means."""

import numpy as np

from minivision.core.labels import IGNORE
from minivision.metrics.compatibility import check_dataset
from minivision.metrics.prediction import predicted


def confusion_matrix(truth, prediction, num_classes):
    """Count the pixels of each true class by what they were predicted to be.

    Parameters
    ----------
    truth, prediction : integer arrays of one shape
        The class of each pixel, 0 to ``num_classes - 1``. Pixels that are 255 in `truth` are not counted.
    num_classes : int
        The background included.

    Returns
    -------
    (num_classes, num_classes) int64 array
        ``[i, j]`` counts the pixels of class i that were taken for class j.

    Raises
    ------
    ValueError
        When the shapes differ, or a class is out of range.
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


def pixel_accuracy(confusion):
    """Return the part of the pixels that got their true class, 0 to 1; NaN where no pixel was counted."""
    return _divide(np.trace(confusion), confusion.sum())


def class_iou(confusion):
    """Return for each class the pixels that truth and prediction share over those that either has.

    Parameters
    ----------
    confusion : (C, C) array
        Of a whole dataset: the intersections and unions of all images are added before they are divided. [1]_

    Returns
    -------
    (C,) float array
        0 to 1; NaN for a class that is neither in the truth nor predicted.

    References
    ----------
    .. [1] Everingham et al., The PASCAL visual object classes challenge: a retrospective, IJCV 2015,
       section 4.2.
    """
    intersection = np.diag(confusion)
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - intersection
    return _divide(intersection, union)


def mean_iou(confusion):
    """Return the mean of :func:`class_iou` over the classes that occur, the background among them."""
    iou = class_iou(confusion)
    return float(np.mean(iou[~np.isnan(iou)])) if not np.isnan(iou).all() else float("nan")


def evaluate_segmentation(model, dataset, *, batch_size=16, progress=False):
    """Predict a label map for every image and compare it with the true one.

    Parameters
    ----------
    model : Model
        With ``predict(images) -> label maps``.
    dataset : Dataset
        Of the classes of the model.
    batch_size : int
        Images predicted at once.
    progress : bool
        Whether to show a progress bar, on stderr.

    Returns
    -------
    dict
        ``miou`` and ``pixel_accuracy`` (floats, 0 to 1), ``iou`` (floats by class name, the background
        included, NaN for a class that is neither in the truth nor predicted, which ``miou`` leaves out) and
        ``images`` (how many). Pixels of unknown class (255) are not counted; all others are, of all images
        together.

    Raises
    ------
    ValueError
        When the classes differ, or the dataset has no label maps or no images.
    """
    check_dataset(model, dataset, "label_maps")
    confusion = np.zeros((len(model.classes),) * 2, np.int64)
    for sample, prediction in predicted(model, dataset, batch_size=batch_size, progress=progress):
        confusion += confusion_matrix(sample.label_map, prediction, len(model.classes))
    return {
        "miou": mean_iou(confusion),
        "pixel_accuracy": float(pixel_accuracy(confusion)),
        "iou": dict(zip(model.classes, class_iou(confusion).tolist(), strict=True)),
        "images": len(dataset),
    }


def _divide(numerator, denominator):
    """Divide; 0/0 is NaN, without a warning."""
    with np.errstate(invalid="ignore"):
        return np.true_divide(numerator, denominator)
