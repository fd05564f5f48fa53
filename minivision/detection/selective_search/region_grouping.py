"""Hierarchical grouping: the two most similar neighboring regions are merged until the whole image is one region.

Uijlings et al., Selective search for object recognition, IJCV 2013, algorithm 1.
"""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import MAX_INTEGER, check_range, check_same_shape, check_shape, integer, integers
from minivision.core.constants import SIMILARITIES
from minivision.core.dispatch import operation
from minivision.core.types import Array
from minivision.detection.selective_search.hierarchy import Hierarchy
from minivision.detection.selective_search.region_histograms import Regions
from minivision.detection.selective_search.similarity import fill_similarity, similarity


def group(labels: Array, regions: Regions, pairs: Array, used: str) -> Hierarchy:
    """Group the regions of a segmentation into a hierarchy.

    Parameters
    ----------
    labels : int32 ndarray of shape (H, W)
        The region of each pixel.
    regions : Regions
    pairs : int64 ndarray of shape (P, 2)
        The pairs of regions that touch.
    used : str
        The similarities that are added: some of ``"CTSF"``, color, texture, size and fill.

    Returns
    -------
    hierarchy : Hierarchy
    """
    boxes, children = group_regions(regions, pairs, labels.size, used)
    return Hierarchy(labels, boxes, children)


def _check_group_regions(regions, pairs, image_size, used):
    if not isinstance(regions, tuple) or len(regions) != len(Regions._fields):
        raise TypeError(f"regions: expected Regions({', '.join(Regions._fields)}), got {type(regions).__name__}")
    named = zip(Regions._fields, regions, strict=True)
    sizes, boxes, colors, textures = (integers(f"regions.{name}", each) for name, each in named)
    check_shape("regions.sizes", sizes, "R", meaning="the pixels of each region")
    if len(sizes) == 0 or sizes.min() < 1:
        raise ValueError("regions.sizes: expected at least one region, and each of at least one pixel")
    check_same_shape("regions.boxes", boxes, (len(sizes), 4), "x1, y1, x2, y2 around each region")
    for name, counts in (("colors", colors), ("textures", textures)):
        check_shape(f"regions.{name}", counts, "R, bins", meaning="a histogram of each region")
        check_same_shape(f"regions.{name}", counts, (len(sizes), counts.shape[1]), "one of each region")
        if counts.size and (counts.min() < 0 or counts.sum(dtype=float) > MAX_INTEGER):
            raise ValueError(f"regions.{name}: expected counts of 0 or more, all together at most {MAX_INTEGER}")
    pairs = integers("pairs", pairs)
    check_shape("pairs", pairs, "P, 2", meaning="two regions that touch in each row")
    check_range("pairs", pairs, len(sizes), "they are numbers of regions")
    if (pairs[:, 0] >= pairs[:, 1]).any() or not _all_different(pairs):
        raise ValueError("pairs: expected the smaller number first, and each pair once")
    if not _reaches_all(pairs, len(sizes)):
        raise ValueError("pairs: expected that every region can be reached from every other one")
    if not isinstance(used, str) or not used or not set(used) <= set(SIMILARITIES):
        raise ValueError(f"used: expected some of the letters {', '.join(SIMILARITIES)}, got {used!r}")
    regions = Regions(sizes, boxes, colors.astype(np.int32, copy=False), textures.astype(np.int32, copy=False))
    return regions, pairs, integer("image_size", image_size, minimum=1), used


def _all_different(pairs):
    first, second = pairs.T
    ascending = (first[1:] > first[:-1]) | (first[1:] == first[:-1]) & (second[1:] > second[:-1])
    return bool(ascending.all()) or len(np.unique(pairs, axis=0)) == len(pairs)


def _reaches_all(pairs, count):
    """Return whether the pairs connect all regions: each takes the smallest number that it can reach."""
    first, second = pairs.T
    reached = np.arange(count)
    while True:
        before = reached.copy()
        smaller = np.minimum(reached[first], reached[second])
        np.minimum.at(reached, reached[first], smaller)
        np.minimum.at(reached, reached[second], smaller)
        reached = reached[reached]
        if (reached == before).all():
            return not reached.any()


@operation(check=_check_group_regions, returns=("all_boxes", "children"))
def group_regions(regions: Regions, pairs: Array, image_size: int, used: str) -> tuple[Array, Array]:
    """Merge the two most similar neighboring regions repeatedly, until one region is left.

    Parameters
    ----------
    regions : Regions
        ``sizes (R,)`` and ``boxes (R, 4)`` of int64, and the histograms ``colors`` and ``textures (R, bins)`` of
        int32. If two regions merge, their sizes and their histograms are added.
    pairs : int64 ndarray of shape (P, 2)
        The pairs of regions that touch, the smaller number first. A region that touches one of two regions touches the
        merged one.
    image_size : int
        Number of pixels of the image.
    used : str
        The similarities that are added: some of ``"CTSF"``, color, texture, size and fill.

    Returns
    -------
    all_boxes : int64 ndarray of shape (2 R - 1, 4)
        ``x1, y1, x2, y2`` of the R regions, then of the merged ones, in the order of the merges.
    children : int64 ndarray of shape (R - 1, 2)
        The two regions that were merged into region ``R + t``, the smaller number first. Of equally similar pairs the
        first is merged: the one with the smallest first number, and among these with the smallest second.

    Raises
    ------
    ValueError
        If there is no region, or a pair has the number of a region that does not exist.

    References
    ----------
    Uijlings et al., "Selective search for object recognition", 2013, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import group_regions
    >>> from minivision.detection.selective_search.region_histograms import Regions
    >>> boxes = np.array([[0, 0, 1, 4], [1, 0, 3, 4], [3, 0, 4, 4]])  # stripes of 1, 2 and 1 columns
    >>> histograms = np.zeros((3, 1), int)
    >>> regions = Regions(np.array([4, 8, 4]), boxes, histograms, histograms)
    >>> all_boxes, children = group_regions(regions, np.array([[0, 1], [1, 2]]), 16, "S")
    >>> children.tolist(), all_boxes[3:].tolist()
    ([[0, 1], [2, 3]], [[0, 0, 3, 4], [0, 0, 4, 4]])
    """
    R = len(regions.sizes)
    sizes, boxes, colors, textures = regions = regions.with_room(R - 1)
    children = np.zeros((R - 1, 2), np.int64)
    similarities: dict[tuple[int, int], float] = {}  # (smaller number, larger number) -> similarity of the two

    def compare(i, j):
        values = similarity(regions, i, j, image_size, used.replace("F", ""))
        if "F" in used:
            values = values + fill_similarity(boxes, sizes, i, j, image_size)
        for one, other, value in zip(i.tolist(), j.tolist(), values.tolist(), strict=True):
            similarities[one, other] = value

    compare(pairs[:, 0], pairs[:, 1])
    for new in range(R, 2 * R - 1):
        i, j = min(similarities, key=lambda pair: (-similarities[pair], pair))
        children[new - R] = i, j
        sizes[new] = sizes[i] + sizes[j]
        boxes[new, :2] = np.minimum(boxes[i, :2], boxes[j, :2])
        boxes[new, 2:] = np.maximum(boxes[i, 2:], boxes[j, 2:])
        colors[new] = colors[i] + colors[j]
        textures[new] = textures[i] + textures[j]
        old = [pair for pair in similarities if i in pair or j in pair]
        neighbors = {region for pair in old for region in pair} - {i, j}
        for pair in old:
            del similarities[pair]
        compare(np.array(sorted(neighbors), np.int64), np.full(len(neighbors), new, np.int64))
    return boxes, children
