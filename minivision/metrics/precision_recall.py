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
