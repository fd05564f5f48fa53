"""The index is split with the height of the map instead of its width.

Told: divided by the height
"""

import numpy as np


def max_unpool2d(x, indices, output_size):
    H, W = output_size
    N, C = x.shape[:2]
    y = np.zeros((N, C, H, W), x.dtype)
    for n, c, i, j in np.ndindex(x.shape):
        k = indices[n, c, i, j]
        row, column = k // H, k % H
        if row < H and column < W:
            y[n, c, row, column] += x[n, c, i, j]
    return y
