"""What grouping makes of the regions of an image: a tree, whose root is the image."""

from typing import NamedTuple

import numpy as np

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
