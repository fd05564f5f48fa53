"""Precision, recall and average precision of a ranked list of detections.

After each detection of the list, recall is the fraction of all objects that are matched so far, and precision the
fraction of the detections so far that are true positives. Precision rises and falls, so it is interpolated: at a
recall r it is the best precision at any recall of r or more. Average precision is the mean of this curve; the
protocols differ in the recalls at which they take it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.ops import box_iou


class Curve(NamedTuple):
    """Precision and recall of a class after each detection.

    Attributes
    ----------
    recall, precision : float64 ndarray of shape (n,)
        After each of the n detections, the best score first.
    scores : float32 ndarray of shape (n,)
        Score of that detection: recall and precision are those with this threshold on the score.
    average : float
        Average precision.
    """

    recall: Array
    precision: Array
    scores: Array
    average: float


def precision_recall(matched: Array, ignored: Array, positives: int) -> tuple[Array, Array]:
    """Return the recall and the precision after each detection of a ranked list.

    Parameters
    ----------
    matched : bool ndarray of shape (..., n)
        Which detections are true positives, the best score first.
    ignored : bool ndarray of shape (..., n)
        Which detections are neither true nor false positives.
    positives : int
        Number of objects, 1 or more.

    Returns
    -------
    recall, precision : float64 ndarray of shape (..., n)

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.metrics.precision_recall import precision_recall
    >>> matched = np.array([True, False, True])
    >>> recall, precision = precision_recall(matched, np.zeros(3, bool), positives=4)
    >>> recall.tolist(), precision.round(3).tolist()
    ([0.25, 0.25, 0.5], [1.0, 0.5, 0.667])
    """
    true_positives = np.cumsum(matched, axis=-1)
    false_positives = np.cumsum(~(matched | ignored), axis=-1)
    return true_positives / positives, true_positives / np.maximum(true_positives + false_positives, 1)


def interpolate(precision: Array) -> Array:
    """Return the best precision at each recall or a larger one: ``(..., n)``, never increasing."""
    return np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]


def average_at(points: Array, recall: Array, precision: Array) -> float:
    """Return the mean of the interpolated precision at some recalls; it is 0 at those that are not reached.

    Parameters
    ----------
    points : ndarray of shape (R,)
        Recalls, increasing.
    recall, precision : ndarray of shape (n,)
        As :func:`precision_recall` returns them.

    Returns
    -------
    average : float
    """
    reached = np.append(interpolate(precision), 0.0)
    return reached[np.searchsorted(recall, points)].mean()


def average_over_all(recall: Array, precision: Array) -> float:
    """Return the area under the interpolated precision, from recall 0 to 1."""
    return np.sum(np.diff(recall, prepend=0.0) * interpolate(precision))


def average_precision_of_class(
    boxes: Array, scores: Array, images: Array, objects: Array, object_images: Array, *, iou_threshold: float = 0.5
) -> float:
    """Compute COCO's average precision of one class at one IoU, as one would by hand.

    The detections are taken from the best score to the worst. Each finds the object of its image with the largest IoU
    among those that no better detection has found, if that IoU is at least `iou_threshold`; then it is a true positive.
    All others are false positives, those that find an object for the second time as well.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
        The detections of all images, ``x1, y1, x2, y2``.
    scores : ndarray of shape (K,)
        No two are equal.
    images : int ndarray of shape (K,)
        The image of each detection.
    objects : ndarray of shape (G, 4)
        The true boxes of all images; G is 1 or more.
    object_images : int ndarray of shape (G,)
        The image of each object.
    iou_threshold : float
        Larger than 0.

    Returns
    -------
    average : float
        The mean of the interpolated precision at 101 recalls, 0, .01, ..., 1. The interpolated precision at a recall is
        the best precision at this recall or a larger one, and 0 at recalls that are not reached.

    See Also
    --------
    minivision.metrics.average_precision : all classes and thresholds, crowds, limits, and other protocols.

    References
    ----------
    Lin et al., "Microsoft COCO: common objects in context", ECCV 2014, and its evaluation code.

    Examples
    --------
    Two objects in one image. The second detection finds the first object again.

    >>> import numpy as np
    >>> from minivision.metrics.precision_recall import average_precision_of_class
    >>> objects = np.array([[0.0, 0, 10, 10], [20, 0, 30, 10]])
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]])
    >>> average = average_precision_of_class(boxes, np.array([0.9, 0.8, 0.7]), np.zeros(3), objects, np.zeros(2))
    >>> round(average, 3)  # 51 recalls with a precision of 1, 50 with 2/3
    0.835
    """
    found = np.zeros(len(objects), bool)
    true = np.zeros(len(boxes), bool)
    for rank, k in enumerate(np.argsort(-scores)):
        free = np.flatnonzero((object_images == images[k]) & ~found)
        overlap = box_iou(boxes[k : k + 1], objects[free])[0]
        if free.size and overlap.max() >= iou_threshold:
            true[rank] = found[free[overlap.argmax()]] = True
    recall = np.cumsum(true) / len(objects)
    precision = np.cumsum(true) / np.arange(1, len(true) + 1)
    average = 0.0
    for at in np.linspace(0, 1, 101):
        average += precision[recall >= at].max(initial=0.0) / 101
    return float(average)
