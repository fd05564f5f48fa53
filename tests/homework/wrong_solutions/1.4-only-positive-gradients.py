r"""Negative upstream gradients are dropped, as if a ReLU were in the way.

Told: which are 0 and should not be
Not: search for the largest
"""

import numpy as np


def max_pool2d_backward(dy, indices, input_size):
    H, W = input_size
    N, C = dy.shape[:2]
    dx = np.zeros((N, C, H, W), dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        row, col = divmod(indices[n, c, i, j], W)
        dx[n, c, row, col] += max(dy[n, c, i, j], 0)
    return dx
