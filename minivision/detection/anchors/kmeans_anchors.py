"""Anchors by clustering: k-means on the widths and heights of the objects of a training set."""

from __future__ import annotations

import numpy as np

from minivision.core.types import Array
from minivision.detection.anchors.paired_iou import shape_iou

MAX_ITERATIONS = 100
NUM_STARTS = 4  # initializations, of which the best result is used


def kmeans_anchors(sizes: Array, k: int, rng: np.random.Generator) -> Array:
    """Cluster the shapes of boxes by k-means, with the distance 1 - IoU, which treats large and small boxes alike.

    Parameters
    ----------
    sizes : ndarray of shape (K, 2)
        Widths and heights of boxes.
    k : int
        Number of anchors.
    rng : numpy.random.Generator
        Draws the initial anchors, several times; the best result is returned.

    Returns
    -------
    anchors : ndarray of shape (k, 2)
        Widths and heights, the smallest area first. If there are fewer than k different boxes, some are equal.

    Raises
    ------
    ValueError
        If there is no box of positive width and height.

    References
    ----------
    Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, section 2, "Dimension clusters".

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import kmeans_anchors
    >>> sizes = np.array([[10.0, 10.0], [12.0, 12.0], [40.0, 80.0], [44.0, 84.0]])
    >>> kmeans_anchors(sizes, 2, np.random.default_rng(0)).tolist()
    [[11.0, 11.0], [42.0, 82.0]]
    """
    sizes = _solid(sizes, k)
    results = [_cluster(sizes, _first_anchors(sizes, k, rng)) for _ in range(NUM_STARTS)]
    best = max(results, key=lambda anchors: mean_best_iou(sizes, anchors))
    return best[np.argsort(best.prod(axis=1), kind="stable")]


def _first_anchors(sizes, k, rng):
    """Draw initial anchors by k-means++ (Arthur and Vassilvitskii, 2007).

    The probability of a box is proportional to its squared distance from the nearest anchor so far.
    """
    anchors = sizes[[rng.integers(len(sizes))]]
    while len(anchors) < k:
        chance = (1 - shape_iou(sizes, anchors).max(axis=1)) ** 2
        total = chance.sum()
        next_one = rng.choice(len(sizes), p=chance / total if total > 0 else None)
        anchors = np.concatenate([anchors, sizes[[next_one]]])
    return anchors


def _cluster(sizes, anchors):
    """Assign each box to its nearest anchor, and set each anchor to the mean of its boxes, until nothing changes."""
    nearest = None
    for _ in range(MAX_ITERATIONS):
        previous, nearest = nearest, shape_iou(sizes, anchors).argmax(axis=1)
        if previous is not None and (nearest == previous).all():
            break
        for a in range(len(anchors)):
            if (nearest == a).any():  # an anchor without boxes stays as it is
                anchors[a] = sizes[nearest == a].mean(axis=0)
    return anchors


def spread_anchors(sizes: Array, k: int) -> Array:
    """Return square anchors whose sides are a geometric sequence from small to large objects.

    Parameters
    ----------
    sizes : ndarray of shape (K, 2)
        Widths and heights of boxes; the smallest and the largest 5 % have no influence.
    k : int
        Number of anchors.

    Returns
    -------
    anchors : ndarray of shape (k, 2)
        Widths and heights, the smallest first.
    """
    sizes = _solid(sizes, k)
    small, large = np.quantile(np.sqrt(sizes.prod(axis=1)), (0.05, 0.95))
    sides = np.geomspace(small, large, k + 2)[1:-1] if k < 3 else np.geomspace(small, large, k)
    return np.stack([sides, sides], axis=1)


def mean_best_iou(sizes: Array, anchors: Array) -> float:
    """Return the IoU of each box with the anchor of the most similar shape, averaged over the boxes.

    Parameters
    ----------
    sizes : ndarray of shape (K, 2)
        Widths and heights of boxes.
    anchors : ndarray of shape (A, 2)
        Widths and heights.

    Returns
    -------
    iou : float
    """
    return float(shape_iou(np.asarray(sizes, float), np.asarray(anchors, float)).max(axis=1).mean())


def _solid(sizes, k):
    """Return the sizes of boxes that have an area."""
    sizes = np.asarray(sizes, float).reshape(-1, 2)
    sizes = sizes[(sizes > 0).all(axis=1)]
    if k < 1:
        raise ValueError(f"k: expected at least one anchor, got {k}")
    if len(sizes) == 0:
        raise ValueError("sizes: there is no box of positive width and height to choose anchors by")
    return sizes
