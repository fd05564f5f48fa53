"""Hierarchical grouping: the two most similar neighbours become one region, until the whole image is one.

Uijlings et al., Selective search for object recognition, IJCV 2013, algorithm 1.
"""

from typing import NamedTuple

import numpy as np

from minivision.detection.region_histograms import Regions
from minivision.detection.similarity import SIMILARITIES, similarity
from minivision.detection.with_kernel import with_kernel


class Hierarchy(NamedTuple):
    """The regions of an image and what became of them: 2 R - 1 regions, of which the last is the image.

    Attributes
    ----------
    labels : (H, W) int32 array
        The region, 0 to R - 1, that each pixel belonged to in the beginning.
    boxes : (2 R - 1, 4) int64 array
        ``x1, y1, x2, y2``: of the R initial regions, then of those that were made by merging, in that order.
    children : (R - 1, 2) int64 array
        The two regions that region ``R + t`` was made of.
    """

    labels: np.ndarray
    boxes: np.ndarray
    children: np.ndarray

    def after(self, merges):
        """Return the (H, W) array of each pixel's region after so many merges, 0 to R - 1."""
        initial = len(self.children) + 1
        if not 0 <= merges < initial:
            raise ValueError(f"merges: there were {initial - 1} in all, got {merges}")
        region = np.arange(initial + merges)
        for t in reversed(range(merges)):  # the parents of a region are later ones
            region[self.children[t]] = region[initial + t]
        return region[self.labels]


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
    use = np.array([name in used for name in SIMILARITIES])
    boxes, children = group_regions(*regions, pairs, labels.size, use)
    return Hierarchy(labels, boxes, children)


@with_kernel
def group_regions(sizes, boxes, colors, textures, pairs, image_size, use):
    """Merge regions until one is left; of pairs that are equally similar the one of the earliest regions.

    Parameters
    ----------
    sizes, boxes, colors, textures : arrays
        Of R regions, as in `Regions`.
    pairs : (P, 2) int64 array
        Which of them touch, the smaller number first.
    image_size : int
        Pixels.
    use : (4,) bool array
        Which similarities are added up: colour, texture, size, fill.

    Returns
    -------
    boxes : (2 R - 1, 4) int64 array
    children : (R - 1, 2) int64 array
    """
    used = "".join(name for name, is_used in zip(SIMILARITIES, use, strict=True) if is_used)
    R = len(sizes)
    regions = Regions(*(_with_room(array, R - 1) for array in (sizes, boxes, colors, textures)))
    children = np.zeros((R - 1, 2), np.int64)
    similarities = {(i, j): similarity(regions, i, j, image_size, used) for i, j in pairs.tolist()}
    for new in range(R, 2 * R - 1):
        i, j = min(similarities, key=lambda pair: (-similarities[pair], pair))
        children[new - R] = i, j
        regions.sizes[new] = regions.sizes[i] + regions.sizes[j]
        regions.boxes[new, :2] = np.minimum(regions.boxes[i, :2], regions.boxes[j, :2])
        regions.boxes[new, 2:] = np.maximum(regions.boxes[i, 2:], regions.boxes[j, 2:])
        regions.colors[new] = regions.colors[i] + regions.colors[j]
        regions.textures[new] = regions.textures[i] + regions.textures[j]
        old = [pair for pair in similarities if i in pair or j in pair]
        neighbours = {region for pair in old for region in pair} - {i, j}
        for pair in old:
            del similarities[pair]
        for neighbour in neighbours:
            similarities[neighbour, new] = similarity(regions, neighbour, new, image_size, used)
    return regions.boxes, children


def _with_room(array, rows):
    """Return an array of integers with so many rows more."""
    return np.concatenate([array, np.zeros((rows, *array.shape[1:]), array.dtype)])


@with_kernel
def depths_and_heights(children):
    """Return where the regions of a hierarchy are: 1 + merges up to the image, and 1 + merges down, at most.

    Parameters
    ----------
    children : (R - 1, 2) int64 array

    Returns
    -------
    depths, heights : (2 R - 1,) int64 arrays
        The image has depth 1, and initial regions have height 1.
    """
    R = len(children) + 1
    depths, heights = np.ones(2 * R - 1, np.int64), np.ones(2 * R - 1, np.int64)
    for t in range(R - 1):
        heights[R + t] = 1 + max(heights[children[t]])
    for t in reversed(range(R - 1)):
        depths[children[t]] = 1 + depths[R + t]
    return depths, heights
