"""From a ranked list of detections, right and wrong, to its average precision.

Going down the list, recall is the part of all objects found so far, and precision the part of the detections so far
that are right. Precision jumps up and down, so it is interpolated: at a recall r it is the best precision that can be
had at a recall of r or more. Average precision is the mean of that curve; the protocols differ in where they look.
"""

from typing import NamedTuple

import numpy as np


class Curve(NamedTuple):
    """The precision and recall that a class reaches, detection by detection.

    Attributes
    ----------
    recall, precision : (n,) float64 arrays
        After each of the n detections, the best score first.
    scores : (n,) float32 array
        The score of that detection: what a threshold on the score leads to.
    average : float
        Average precision.
    """

    recall: np.ndarray
    precision: np.ndarray
    scores: np.ndarray
    average: float


def precision_recall(found, ignored, positives):
    """Return the recall and the precision after each detection of a ranked list.

    Parameters
    ----------
    found : (..., n) bool array
        Which detections found an object, the best score first.
    ignored : (..., n) bool array
        Which count neither as right nor as wrong.
    positives : int
        How many objects there are to be found, 1 or more.

    Returns
    -------
    recall, precision : (..., n) float64 arrays
    """
    right = np.cumsum(found, axis=-1)
    wrong = np.cumsum(~(found | ignored), axis=-1)
    return right / positives, right / np.maximum(right + wrong, 1)


def interpolate(precision):
    """Return the best precision at each recall or a larger one: ``(..., n)``, never rising."""
    return np.maximum.accumulate(precision[..., ::-1], axis=-1)[..., ::-1]


def average_at(points, recall, precision):
    """Return the mean of the interpolated precision at some recalls; it is 0 at those that are not reached.

    Parameters
    ----------
    points : (R,) array
        Recalls, rising.
    recall, precision : (n,) arrays
        As :func:`precision_recall` gives them.
    """
    reached = np.append(interpolate(precision), 0.0)
    return reached[np.searchsorted(recall, points)].mean()


def average_over_all(recall, precision):
    """Return the area under the interpolated precision, from recall 0 to 1."""
    return np.sum(np.diff(recall, prepend=0.0) * interpolate(precision))
