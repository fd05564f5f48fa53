"""Whether scores are probabilities: how many of the detections with a score around s are correct."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.metrics.errors.matching import CORRECT, ImageErrors
from minivision.metrics.errors.repair import pool_scores


class Calibration(NamedTuple):
    """Scores and shares of correct detections, in B intervals of the score of equal width.

    Attributes
    ----------
    edges : float64 ndarray of shape (B + 1,)
        Interval b is from ``edges[b]`` up to ``edges[b + 1]``; the lower end belongs to it, the last one has both.
    counts : int64 ndarray of shape (B,)
        Number of detections.
    confidence, precision : float64 ndarray of shape (B,)
        Mean score, and share of correct detections; NaN in intervals without any.
    error : float
        Mean over the detections of the distance of the two in their interval (D-ECE [1]_, of the score alone); NaN
        without any.

    References
    ----------
    .. [1] Küppers, Kronenberger, Shantia and Haselhoff, Multivariate confidence calibration for object detection, CVPR
       workshops 2020.
    """

    edges: Array
    counts: Array
    confidence: Array
    precision: Array
    error: float


def calibrate(images: Sequence[ImageErrors], bins: int = 10) -> Calibration:
    """Compare the scores of detections with how many of them are correct, over all classes.

    Parameters
    ----------
    images : sequence of ImageErrors
    bins : int
        Number of intervals B.

    Raises
    ------
    ValueError
        If a score is not from 0 to 1, and so no probability, or `bins` is less than 1.
    """
    if bins < 1:
        raise ValueError(f"bins: expected 1 or more, got {bins}")
    pooled, scores = pool_scores(images)
    if len(scores) and not (scores[-1] >= 0 and scores[0] <= 1):
        raise ValueError(
            f"scores from {scores[-1]:g} to {scores[0]:g} are no probabilities, so they have no calibration"
        )
    edges = np.linspace(0, 1, bins + 1)
    interval = np.minimum(np.searchsorted(edges, scores.astype(np.float64), side="right") - 1, bins - 1)
    counts = np.bincount(interval, minlength=bins)
    sums = (np.bincount(interval, weights, bins) for weights in (scores, pooled.kinds == CORRECT))
    with np.errstate(invalid="ignore"):
        confidence, precision = (each / counts for each in sums)
    error = np.nansum(counts * np.abs(confidence - precision)) / len(scores) if len(scores) else np.nan
    return Calibration(edges, counts, confidence, precision, float(error))
