"""Anchors by clustering: the widths and heights that the objects of a training set have most often."""

import numpy as np

from minivision.detection.anchors.paired_iou import shape_iou

ROUNDS, STARTS = 100, 4


def kmeans_anchors(sizes, k, rng):
    """Cluster boxes by their shapes, with the distance 1 - IoU, in which large boxes weigh no more than small ones.

    Parameters
    ----------
    sizes : (K, 2) array
        Widths and heights of boxes.
    k : int
        How many anchors.
    rng : numpy.random.Generator
        Chooses the boxes to begin with, several times; the best result counts.

    Returns
    -------
    (k, 2) array
        Widths and heights, the smallest first. Where there are fewer than k different boxes, some are alike.

    Raises
    ------
    ValueError
        When there is no box of positive width and height.

    References
    ----------
    Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, section 2, "Dimension clusters".
    """
    sizes = _solid(sizes, k)
    results = [_cluster(sizes, _first_anchors(sizes, k, rng)) for _ in range(STARTS)]
    best = max(results, key=lambda anchors: mean_best_iou(sizes, anchors))
    return best[np.argsort(best.prod(axis=1), kind="stable")]


def _first_anchors(sizes, k, rng):
    """Draw boxes that are far from one another: the next one by the square of its distance from the nearest so far.

    This is k-means++ (Arthur and Vassilvitskii, 2007).
    """
    anchors = sizes[[rng.integers(len(sizes))]]
    while len(anchors) < k:
        chance = (1 - shape_iou(sizes, anchors).max(axis=1)) ** 2
        total = chance.sum()
        next_one = rng.choice(len(sizes), p=chance / total if total > 0 else None)
        anchors = np.concatenate([anchors, sizes[[next_one]]])
    return anchors


def _cluster(sizes, anchors):
    """Give every box to its nearest anchor, put every anchor into the mean of its boxes, until nothing moves."""
    owner = None
    for _ in range(ROUNDS):
        before, owner = owner, shape_iou(sizes, anchors).argmax(axis=1)
        if before is not None and (owner == before).all():
            break
        for a in range(len(anchors)):
            if (owner == a).any():  # an anchor without boxes stays where it is
                anchors[a] = sizes[owner == a].mean(axis=0)
    return anchors


def spread_anchors(sizes, k):
    """Return squares whose sides are in equal proportions from small to large: what one might pick by hand.

    Parameters
    ----------
    sizes : (K, 2) array
        Widths and heights of boxes; all but the smallest and the largest twentieth are taken into account.
    k : int
        How many anchors.

    Returns
    -------
    (k, 2) array
        Widths and heights, the smallest first.
    """
    sizes = _solid(sizes, k)
    small, large = np.quantile(np.sqrt(sizes.prod(axis=1)), (0.05, 0.95))
    sides = np.geomspace(small, large, k + 2)[1:-1] if k < 3 else np.geomspace(small, large, k)
    return np.stack([sides, sides], axis=1)


def mean_best_iou(sizes, anchors):
    """Return how well anchors fit: the IoU of each box with the anchor nearest in shape, averaged over the boxes.

    Parameters
    ----------
    sizes : (K, 2) array
        Widths and heights of boxes.
    anchors : (A, 2) array
        Widths and heights.
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
