"""Numba kernel of the depths and heights of regions in a hierarchy: one pass upwards, one downwards."""

import numpy as np

from minivision.core.compile import jit


@jit
def depths_and_heights(children):
    R = len(children) + 1
    depths, heights = np.ones(2 * R - 1, np.int64), np.ones(2 * R - 1, np.int64)
    for t in range(R - 1):
        heights[R + t] = 1 + max(heights[children[t, 0]], heights[children[t, 1]])
    for t in range(R - 2, -1, -1):
        depths[children[t, 0]] = depths[children[t, 1]] = 1 + depths[R + t]
    return depths, heights
