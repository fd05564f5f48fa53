"""The hierarchy of regions that grouping gives: a binary tree whose root is the whole image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minivision.core.arguments import check_shape, integers
from minivision.core.devices import get_array_module
from minivision.core.dispatch import operation
from minivision.core.types import Array


class Hierarchy(NamedTuple):
    """The R initial regions of an image and the R - 1 merged ones, of which the last is the whole image.

    Attributes
    ----------
    labels : int32 ndarray of shape (H, W)
        The initial region, 0 to R - 1, of each pixel.
    boxes : int64 ndarray of shape (2 R - 1, 4)
        ``x1, y1, x2, y2`` of the R initial regions, then of the merged ones, in the order of the merges.
    children : int64 ndarray of shape (R - 1, 2)
        The two regions that were merged into region ``R + t``.
    """

    labels: Array
    boxes: Array
    children: Array

    def after(self, merges: int) -> Array:
        """Return the region of each pixel after so many merges, 0 to R - 1: an array ``(H, W)``."""
        initial = len(self.children) + 1
        if not 0 <= merges < initial:
            raise ValueError(f"merges: there were {initial - 1} in all, got {merges}")
        region = np.arange(initial + merges)
        for t in reversed(range(merges)):  # the parents of a region are later ones
            region[self.children[t]] = region[initial + t]
        return region[self.labels]


def _check_depths_and_heights(children):
    children = integers("children", children)
    check_shape("children", children, "R - 1, 2", meaning="the two parts of each merged region")
    merges = len(children)
    own = get_array_module(children).arange(merges + 1, 2 * merges + 1)[:, None]  # the number of each merged region
    if not ((children >= 0) & (children < own)).all():
        raise ValueError(
            f"children: expected numbers of earlier regions, 0 .. {merges} + t in row t, got {children.min()} .. "
            f"{children.max()}; region {merges + 1} + t is merged from the regions in row t"
        )
    if merges and (np.bincount(children.ravel(), minlength=2 * merges) != 1).any():
        raise ValueError("children: expected each region but the last exactly once; a region is merged only once")
    return (children,)


@operation(check=_check_depths_and_heights, returns=("depths", "heights"))
def depths_and_heights(children: Array) -> tuple[Array, Array]:
    """Return the depth and the height of each region in its hierarchy.

    Parameters
    ----------
    children : int64 ndarray of shape (R - 1, 2)
        The two regions that were merged into region ``R + t``, as in `Hierarchy`.

    Returns
    -------
    depths : int64 ndarray of shape (2 R - 1,)
        1 + number of merges from the region up to the whole image, which has depth 1.
    heights : int64 ndarray of shape (2 R - 1,)
        1 + largest number of merges from the region down to an initial region; these have height 1.

    Raises
    ------
    ValueError
        If a region is merged before it exists, or twice.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection.selective_search.hierarchy import depths_and_heights
    >>> depths, heights = depths_and_heights(np.array([[0, 1], [2, 3]]))  # (0, 1) -> 3, then (2, 3) -> 4
    >>> depths.tolist(), heights.tolist()
    ([3, 3, 2, 2, 1], [1, 1, 1, 2, 3])
    """
    R = len(children) + 1
    depths, heights = np.ones(2 * R - 1, np.int64), np.ones(2 * R - 1, np.int64)
    for t in range(R - 1):
        heights[R + t] = 1 + max(heights[children[t]])
    for t in reversed(range(R - 1)):
        depths[children[t]] = 1 + depths[R + t]
    return depths, heights
