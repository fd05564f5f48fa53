"""Precision, recall and F1 against the score from which on a detection counts, and the best such score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.metrics.errors.matching import CORRECT, ImageErrors
from minivision.metrics.errors.repair import pool_scores
from minivision.metrics.precision_recall import precision_recall


class ScoreCurve(NamedTuple):
    """Precision, recall and F1 of a class if only detections with at least some score count.

    Attributes
    ----------
    scores : ndarray of shape (n,)
        The scores that occur, falling.
    precision, recall, f1 : float64 ndarray of shape (n,)
        F1 is the harmonic mean of precision and recall.
    best : dict of str to float
        ``score``, ``precision``, ``recall`` and ``f1`` where F1 is largest, at the highest such score; the score is NaN
        if nothing is detected.
    """

    scores: Array
    precision: Array
    recall: Array
    f1: Array
    best: dict[str, float]


def score_curves(images: Sequence[ImageErrors], classes: Sequence[str]) -> dict[str, ScoreCurve]:
    """Return the curve of each class that has objects.

    Detections with equal scores count together: a threshold cannot tell them apart. A detection that is found with all
    detections is also found with fewer, because matching goes from the best score to the worst.

    Parameters
    ----------
    images : sequence of ImageErrors
    classes : sequence of str
        The background first.
    """
    pooled, scores = pool_scores(images)
    positives = np.bincount(pooled.object_labels[pooled.counted], minlength=len(classes))
    curves = {}
    for label in np.flatnonzero(positives).tolist():
        mine = pooled.labels == label
        matched = pooled.kinds[mine] == CORRECT
        recall, precision = precision_recall(matched, np.zeros(len(matched), bool), positives[label])
        last = np.flatnonzero(np.diff(scores[mine], append=-np.inf))  # of each group of equal scores
        curves[classes[label]] = _curve(scores[mine][last], precision[last], recall[last])
    return curves


def best_score(images: Sequence[ImageErrors]) -> float:
    """Return the least score that should count, by the F1 of all classes together; 0.5 if nothing is detected."""
    pooled, scores = pool_scores(images)
    if not len(scores):
        return 0.5
    matched = pooled.kinds == CORRECT
    recall, precision = precision_recall(matched, np.zeros(len(matched), bool), max(pooled.counted.sum(), 1))
    last = np.flatnonzero(np.diff(scores, append=-np.inf))
    return _curve(scores[last], precision[last], recall[last]).best["score"]


def _curve(scores, precision, recall):
    f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
    if not len(scores):
        return ScoreCurve(scores, precision, recall, f1, {"score": np.nan, "precision": 0.0, "recall": 0.0, "f1": 0.0})
    best = int(f1.argmax())
    named = {"score": scores, "precision": precision, "recall": recall, "f1": f1}
    return ScoreCurve(scores, precision, recall, f1, {name: float(values[best]) for name, values in named.items()})
