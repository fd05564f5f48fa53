"""The four similarities of two touching regions: colour, texture, size and fill.

Uijlings et al., Selective search for object recognition, IJCV 2013, equations 2 to 5. Each goes from 0 to 1.
"""

import numpy as np

from minivision.core.arguments import check_range, check_same_shape, check_shape, integer, integers
from minivision.core.dispatch import operation


def similarity(regions, i, j, image_size, used):
    """Return how similar regions `i` and `j` are: the sum of the similarities in `used`, such as ``"TSF"``.

    `i` and `j` are numbers of regions, or arrays of them: then region ``i[p]`` is held against region ``j[p]``.
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


def intersection(counts, sizes, i, j):
    """Return what the histograms of two regions have in common: the sum of min(h_i, h_j), each h of sum 1.

    A histogram is a region's counts, divided by their sum. With the divisions put off to the end, all sums are of
    whole numbers and exact.
    """
    counts_i, counts_j = counts[i].astype(np.int64), counts[j].astype(np.int64)
    features = counts_i.sum(axis=-1) // sizes[i]  # every pixel counts once in each of so many histograms
    common = np.minimum(counts_i * sizes[j][..., None], counts_j * sizes[i][..., None]).sum(axis=-1)
    return common / (features.astype(float) * sizes[i] * sizes[j])


def size_similarity(sizes, i, j, image_size):
    """Return 1 less the part of the image that both regions take: small regions merge early."""
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
def fill_similarity(boxes, sizes, i, j, image_size):
    """Say how well two regions fill the box around both: what fits together is to merge early.

    Parameters
    ----------
    boxes : (R, 4) array of int64
        ``x1, y1, x2, y2`` around the pixels of each region.
    sizes : (R,) array of int64
        How many pixels each has.
    i, j : (P,) arrays of int64
        Pairs of regions: region ``i[p]`` is held against region ``j[p]``.
    image_size : int
        Pixels of the image.

    Returns
    -------
    fill : (P,) array of float64
        1 less the part of the image that the box around both has beside them.

    Raises
    ------
    ValueError
        When there is no region of a number.

    References
    ----------
    Uijlings et al., "Selective search for object recognition", 2013, equation 5.
    """
    x1, y1 = np.minimum(boxes[i, :2], boxes[j, :2]).T
    x2, y2 = np.maximum(boxes[i, 2:], boxes[j, 2:]).T
    gap = (x2 - x1) * (y2 - y1) - sizes[i] - sizes[j]
    return 1 - gap / image_size
