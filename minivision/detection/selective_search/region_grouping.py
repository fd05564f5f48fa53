"""Hierarchical grouping: the two most similar neighbours become one region, until the whole image is one.

Uijlings et al., Selective search for object recognition, IJCV 2013, algorithm 1.
"""

import numpy as np

from minivision.core.arguments import check_range, check_same_shape, check_shape, integer, integers
from minivision.core.constants import SIMILARITIES
from minivision.core.dispatch import operation
from minivision.detection.selective_search.hierarchy import Hierarchy
from minivision.detection.selective_search.region_histograms import Regions
from minivision.detection.selective_search.similarity import fill_similarity, similarity


def group(labels, regions, pairs, used):
    """Group the regions of a segmentation.

    Parameters
    ----------
    labels : (H, W) int32 array
    regions : Regions
    pairs : (P, 2) int64 array
        Which of them touch.
    used : str
        Which similarities are added up: some of ``"CTSF"``, colour, texture, size and fill.

    Returns
    -------
    Hierarchy
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
    pairs = integers("pairs", pairs)
    check_shape("pairs", pairs, "P, 2", meaning="two regions that touch in each row")
    check_range("pairs", pairs, len(sizes), "they are numbers of regions")
    if (pairs[:, 0] >= pairs[:, 1]).any() or len(pairs) < len(sizes) - 1:
        raise ValueError("pairs: expected the smaller number first, and that every region can be reached")
    if not isinstance(used, str) or not used or not set(used) <= set(SIMILARITIES):
        raise ValueError(f"used: expected some of the letters {', '.join(SIMILARITIES)}, got {used!r}")
    regions = Regions(sizes, boxes, colors.astype(np.int32, copy=False), textures.astype(np.int32, copy=False))
    return regions, pairs, integer("image_size", image_size, minimum=1), used


@operation(check=_check_group_regions, returns=("all_boxes", "children"))
def group_regions(regions, pairs, image_size, used):
    """Merge the two most similar neighbours, again and again, until one region is left.

    Parameters
    ----------
    regions : Regions
        ``sizes (R,)`` and ``boxes (R, 4)`` of int64, and the histograms ``colors`` and ``textures (R, bins)`` of
        int32. When two regions merge, their sizes and their histograms add up.
    pairs : (P, 2) array of int64
        Which of them touch, the smaller number first. What touches one of two regions touches the merged one.
    image_size : int
        Pixels of the image.
    used : str
        Which similarities are added up: some of ``"CTSF"``, colour, texture, size and fill.

    Returns
    -------
    all_boxes : (2 R - 1, 4) array of int64
        ``x1, y1, x2, y2`` of the R regions, then of those that were made by merging, in that order.
    children : (R - 1, 2) array of int64
        The two regions that region ``R + t`` was made of, the smaller number first. Of pairs that are equally similar
        the first goes: the one with the smallest first number, and then with the smallest second.

    Raises
    ------
    ValueError
        When there is no region, or a pair names one that is not there.

    References
    ----------
    Uijlings et al., "Selective search for object recognition", 2013, algorithm 1.
    """
    R = len(regions.sizes)
    sizes, boxes, colors, textures = regions = regions.with_room(R - 1)
    children = np.zeros((R - 1, 2), np.int64)
    similarities = {}  # (smaller number, larger number) -> how similar they are

    def compare(i, j):
        alike = similarity(regions, i, j, image_size, used.replace("F", ""))
        if "F" in used:
            alike = alike + fill_similarity(boxes, sizes, i, j, image_size)
        for one, other, value in zip(i.tolist(), j.tolist(), alike.tolist(), strict=True):
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
        neighbours = {region for pair in old for region in pair} - {i, j}
        for pair in old:
            del similarities[pair]
        compare(np.array(sorted(neighbours), np.int64), np.full(len(neighbours), new, np.int64))
    return boxes, children
