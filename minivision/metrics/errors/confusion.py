"""Which classes are taken for which, and for the background: a confusion matrix of detections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minivision.core.types import Array
from minivision.metrics.errors.matching import LEFT_OUT, NOTHING, ImageErrors, match_in_image


def detection_confusion(images: Sequence[ImageErrors], classes: int, iou: float, score: float) -> Array:
    """Count which class was detected where an object of which class is.

    Detections are matched with objects of whatever class, from the best score to the worst, each with the most similar
    object that is still free. What is left at last is counted with the background: detections in row 0, objects in
    column 0. Crowds are not counted, nor are unmatched detections of which a part of at least `iou` is inside a crowd.

    Parameters
    ----------
    images : sequence of ImageErrors
    classes : int
        Number of classes C, with the background.
    iou : float
        Smallest IoU of a pair.
    score : float
        Smallest score of a detection that takes part.

    Returns
    -------
    confusion : int64 ndarray of shape (C, C)
        ``confusion[i, j]`` is the number of objects of class i that were detected as class j.
    """
    confusion = np.zeros((classes, classes), np.int64)
    for image in images:
        taking_part = (image.scores >= score) & (image.kinds != LEFT_OUT)
        in_crowd = np.any((image.similarity >= iou) & image.crowd, axis=1)
        order = np.argsort(-image.scores, kind="stable")
        partners = match_any_class(image.similarity, order[taking_part[order]], image.crowd, iou)
        paired = np.flatnonzero(partners != NOTHING)
        np.add.at(confusion, (image.object_labels[partners[paired]], image.labels[paired]), 1)
        alone = taking_part & (partners == NOTHING) & ~in_crowd
        confusion[0] += np.bincount(image.labels[alone], minlength=classes)
        left = ~image.crowd
        left[partners[paired]] = False
        confusion[:, 0] += np.bincount(image.object_labels[left], minlength=classes)
    return confusion


def match_any_class(similarity: Array, order: Array, crowd: Array, iou: float) -> Array:
    """Return the object of each detection, or ``NOTHING``: int64 ``(D,)``; classes do not matter.

    Parameters
    ----------
    similarity : float64 ndarray of shape (D, T)
    order : int64 ndarray of shape (n,)
        The detections that take part, the best score first.
    crowd : bool ndarray of shape (T,)
    iou : float
        Smallest IoU of a match.
    """
    one_class = np.ones(len(similarity), np.int64), np.ones(len(crowd), np.int64)
    return match_in_image(similarity, one_class[0], order, one_class[1], crowd, iou, len(similarity))[1]
