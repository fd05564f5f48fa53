"""Recall and precision of every class at once, from the outcomes of the matching.

`precision_recall`, `interpolate` and `average_at` of `precision_recall.py` say what is computed; these loops compute
the same bits, for all classes, ranges of areas and thresholds in one pass. They are compiled with
`minivision.core.compile.jit`, and do not check their arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array

if TYPE_CHECKING:
    from minivision.metrics.ranking import Ranking


@jit
def class_curves(ranking: Ranking) -> tuple[Array, Array]:
    """Compute recall and precision after each detection of each class, for objects of all areas.

    Returns
    -------
    recall, precision : float64 ndarray of shape (I, n)
        As `precision_recall` returns them, in the order of the ranking; of a class without objects they are not set.
    """
    shape = ranking.thresholds, len(ranking.order)
    recall, precision = np.empty(shape), np.empty(shape)
    for c in range(len(ranking.starts) - 1):
        start, end = ranking.starts[c], ranking.starts[c + 1]
        if ranking.positives[0, c] == 0:
            continue
        for i in range(ranking.thresholds):
            true = counted = 0
            for k in range(start, end):
                is_true = _bit(ranking.matched, ranking.order[k], 0, i)
                true += is_true
                counted += is_true | (1 - _bit(ranking.ignored, ranking.order[k], 0, i))
                recall[i, k], precision[i, k] = true, counted
            for k in range(start, end):
                precision[i, k] = recall[i, k] / max(precision[i, k], 1.0)
                recall[i, k] /= ranking.positives[0, c]
    return recall, precision


@jit
def precision_at(points: Array, ranking: Ranking) -> Array:
    """Return the interpolated precision of each class at some recalls, 0 at those that are not reached.

    Recall rises at true positives alone, and at all others precision falls: so only true positives are looked at.

    Parameters
    ----------
    points : float64 ndarray of shape (R,)
        Recalls, increasing.
    ranking : Ranking

    Returns
    -------
    precision : float64 ndarray of shape (A, C, I, R)
        NaN where no object counts.
    """
    (ranges, classes), thresholds = ranking.positives.shape, ranking.thresholds
    result = np.full((ranges, classes, thresholds, len(points)), np.nan)
    recall, precision = np.empty(len(ranking.order)), np.empty(len(ranking.order))  # at each true positive
    false = np.empty((thresholds, len(ranking.order)), np.int64)  # false positives before each true one
    true = np.empty(thresholds, np.int64)
    for c in range(classes):
        rows = ranking.order[ranking.starts[c] : ranking.starts[c + 1]]
        for a in range(ranges):
            positives = ranking.positives[a, c]
            if positives == 0:
                continue
            _go_down(rows, a, ranking.matched, ranking.ignored, true, false)
            for k in range(min(positives, len(rows))):
                recall[k] = (k + 1) / positives
            for i in range(thresholds):
                for k in range(true[i]):
                    precision[k] = (k + 1) / (k + 1 + false[i, k])
                for k in range(true[i] - 2, -1, -1):
                    precision[k] = max(precision[k], precision[k + 1])  # the best at this recall or a larger one
                k = 0
                for r in range(len(points)):
                    while k < true[i] and recall[k] < points[r]:
                        k += 1
                    result[a, c, i, r] = precision[k] if k < true[i] else 0.0
    return result


@jit
def _go_down(rows, a, matched, ignored, true, false):
    """Go down a ranked list for range a, and count for each threshold.

    Parameters
    ----------
    true : int64 ndarray of shape (I,)
        Written to: the number of true positives.
    false : int64 ndarray of shape (I, n)
        Written to: ``false[i, k]`` is the number of false positives before true positive k.
    """
    passed = np.zeros(len(true), np.int64)  # that were ignored
    for i in range(len(true)):
        true[i] = 0
    for k in range(len(rows)):
        if _any(matched, rows[k], a):
            for i in range(len(true)):
                if _bit(matched, rows[k], a, i):
                    false[i, true[i]] = k - true[i] - passed[i]
                    true[i] += 1
        if _any(ignored, rows[k], a):
            for i in range(len(true)):
                passed[i] += _bit(ignored, rows[k], a, i)


def recall_within(limits: Array, ranking: Ranking) -> Array:
    """Return the recall of each class at each threshold with at most so many detections in an image.

    Parameters
    ----------
    limits : float64 ndarray of shape (M,)
        Increasing numbers of detections of the class; all of the ranking are within the last.
    ranking : Ranking

    Returns
    -------
    recall : float64 ndarray of shape (A, C, M, I)
        NaN where no object counts.
    """
    true = _count_true(limits, ranking).cumsum(axis=2)
    positives = np.where(ranking.positives > 0, ranking.positives, np.nan)
    return true / positives[:, :, None, None]


@jit
def _count_true(limits, ranking):
    """Count the true positives within each limit, but not within the one before: ``(A, C, M, I)``."""
    ranges, classes = ranking.positives.shape
    counts = np.zeros((ranges, classes, len(limits), ranking.thresholds), np.int64)
    for c in range(classes):
        for n in ranking.order[ranking.starts[c] : ranking.starts[c + 1]]:
            m = 0
            while ranking.ranks[n] >= limits[m]:
                m += 1
            for a in range(ranges):
                if _any(ranking.matched, n, a):
                    for i in range(ranking.thresholds):
                        counts[a, c, m, i] += _bit(ranking.matched, n, a, i)
    return counts


@jit
def _bit(words, n, a, i):
    """Return the bit of threshold i, for detection n and range a: 0 or 1."""
    return np.int64((words[i // 64, n, a] >> np.uint64(i % 64)) & np.uint64(1))


@jit
def _any(words, n, a):
    """Return whether the bit of some threshold is 1."""
    for w in range(len(words)):
        if words[w, n, a] != np.uint64(0):
            return True
    return False
