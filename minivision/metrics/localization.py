"""How good a classifier with a box is: the class and the box of the one object in each image."""

import numpy as np

from minivision.metrics.compatibility import check_dataset
from minivision.metrics.objects import compare_boxes
from minivision.metrics.prediction import single_objects


def evaluate_localization(model, dataset, *, batch_size=16, progress=False):
    """Compare the one object that a model predicts for each image with the true one.

    Parameters
    ----------
    model : Model
        With ``predict(images) -> list of Instances``, one object in each.
    dataset : Dataset
        Of the classes of the model, with one object in each image.
    batch_size : int
        Images predicted at once.
    progress : bool
        Whether to show a progress bar, on stderr.

    Returns
    -------
    dict
        From 0 to 1: ``accuracy``, the part of the images whose class is right; ``mean_iou``, the mean intersection over
        union of true and predicted box, whatever the class; ``localized``, the part of the images whose class is right
        and whose boxes have an intersection over union of .5 or more; [1]_ ``classes``, the same three by the name of
        the true class, NaN where it does not occur; ``images``, how many.

    Raises
    ------
    ValueError
        When the classes differ, or an image has no object or several, in truth or prediction.

    References
    ----------
    .. [1] The localization task of Russakovsky et al., ImageNet large scale visual recognition challenge, IJCV 2015,
       with one guess.
    """
    check_dataset(model, dataset, "boxes")
    truths, predictions = single_objects(model, dataset, batch_size=batch_size, progress=progress)
    labels = np.array([truth.labels[0] for truth in truths])
    right = labels == [prediction.labels[0] for prediction in predictions]
    iou = np.array([_iou(*pair) for pair in zip(truths, predictions, strict=True)])
    parts = {"accuracy": right, "mean_iou": iou, "localized": right & (iou >= 0.5)}

    def means(chosen):
        return {name: float(part[chosen].mean()) if chosen.any() else float("nan") for name, part in parts.items()}

    by_class = {name: means(labels == label) for label, name in enumerate(model.classes) if label > 0}
    return {**means(np.ones(len(labels), bool)), "classes": by_class, "images": len(dataset)}


def _iou(truth, prediction):
    """Return the intersection over union of the boxes of two Instances of one object each."""
    return compare_boxes(truth, prediction, np.zeros(1, bool)).overlap[0, 0]
