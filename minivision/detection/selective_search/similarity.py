"""The four similarities of two touching regions: color, texture, size and fill.

Uijlings et al., Selective search for object recognition, IJCV 2013, equations 2 to 5. Each is from 0 to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.arguments import check_range, check_same_shape, check_shape, integer, integers
from minivision.core.dispatch import operation
from minivision.core.types import Array

if TYPE_CHECKING:
    from minivision.detection.selective_search.region_histograms import Regions


def similarity(regions: Regions, i: Any, j: Any, image_size: int, used: str) -> Array:
    """Return the similarity of regions `i` and `j`: the sum of those in `used`, such as ``"TSF"``.

    `i` and `j` are numbers of regions, or arrays of them: then region ``i[p]`` is compared with region ``j[p]``.
    """
    total = np.zeros(np.shape(i))
    if "C" in used:
        total = total + intersection(regions.colors, regions.sizes, i, j)
    if "T" in used:
        total = total + intersection(regions.textures, regions.sizes, i, j)
    if "S" in used:
        total = total + size_similarity(regions.sizes, i, j, image_size)
    if "F" in used:
        total = total + fill_similarity(regions.boxes, regions.sizes, i, j, image_size)
    return total


def intersection(counts: Array, sizes: Array, i: Any, j: Any) -> Array:
    """Return the intersection of the histograms of two regions: the sum of min(h_i, h_j), where each h has the sum 1.

    A histogram is a region's counts, divided by their sum. The division comes last, so all sums are of integers and
    exact.
    """
    counts_i, counts_j = counts[i].astype(np.int64), counts[j].astype(np.int64)
    features = counts_i.sum(axis=-1) // sizes[i]  # number of histograms; each pixel is counted once in each
    common = np.minimum(counts_i * sizes[j][..., None], counts_j * sizes[i][..., None]).sum(axis=-1)
    return common / (features.astype(float) * sizes[i] * sizes[j])


def size_similarity(sizes: Array, i: Any, j: Any, image_size: int) -> Array:
    """Return 1 - the fraction of the image that both regions cover: small regions merge early."""
    return 1 - (sizes[i] + sizes[j]) / image_size


def _check_fill_similarity(boxes, sizes, i, j, image_size):
    boxes, sizes, i, j = (integers(*pair) for pair in (("boxes", boxes), ("sizes", sizes), ("i", i), ("j", j)))
    check_shape("sizes", sizes, "R", meaning="the pixels of each region")
    check_same_shape("boxes", boxes, (len(sizes), 4), "x1, y1, x2, y2 around each region")
    check_same_shape("j", j, i.shape, "one for each of i")
    for name, array in (("i", i), ("j", j)):
        check_range(name, array, len(sizes), "it is the number of a region")
    return boxes, sizes, i, j, integer("image_size", image_size, minimum=1)


@operation(check=_check_fill_similarity, returns=("fill",))
def fill_similarity(boxes: Array, sizes: Array, i: Array, j: Array, image_size: int) -> Array:
    """Return how well two regions fill the box around both: regions that fit into each other merge early.

    Parameters
    ----------
    boxes : int64 ndarray of shape (R, 4)
        ``x1, y1, x2, y2`` around the pixels of each region.
    sizes : int64 ndarray of shape (R,)
        Number of pixels of each region.
    i, j : int64 ndarray of shape (P,)
        Pairs of regions: region ``i[p]`` is compared with region ``j[p]``.
    image_size : int
        Number of pixels of the image.

    Returns
    -------
    fill : float64 ndarray of shape (P,)
        1 - the area of the box around both that neither region covers, as a fraction of the image.

    Raises
    ------
    ValueError
        If there is no region with a number in `i` or `j`.

    References
    ----------
    Uijlings et al., "Selective search for object recognition", 2013, equation 5.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import fill_similarity
    >>> boxes = np.array([[0, 0, 2, 4], [2, 0, 4, 4], [6, 0, 8, 4]])
    >>> fill_similarity(boxes, np.array([8, 8, 8]), np.array([0, 0]), np.array([1, 2]), 32).tolist()
    [1.0, 0.5]
    """
    x1, y1 = np.minimum(boxes[i, :2], boxes[j, :2]).T
    x2, y2 = np.maximum(boxes[i, 2:], boxes[j, 2:]).T
    gap = (x2 - x1) * (y2 - y1) - sizes[i] - sizes[j]
    return 1 - gap / image_size
