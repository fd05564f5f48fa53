"""A pixel that is the maximum of several windows gets the mean of their gradients, not the sum.

Told: mean of the gradients, not their sum
"""

import numpy as np


def max_pool2d_backward(dy, indices, input_size):
    N, C = dy.shape[:2]
    H, W = input_size
    dx, count = np.zeros((N, C, H * W), dy.dtype), np.zeros((N, C, H * W), dy.dtype)
    for n in range(N):
        for c in range(C):
            np.add.at(dx[n, c], indices[n, c].ravel(), dy[n, c].ravel())
            np.add.at(count[n, c], indices[n, c].ravel(), 1)
    return (dx / np.maximum(count, 1)).reshape(N, C, H, W)
