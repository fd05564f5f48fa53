"""The search begins with minus infinity and compares with >, so a NaN never wins.

Told: a NaN is lost
"""

import numpy as np


def max_pool2d(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    y = np.empty((N, C, (H + top + bottom - kh) // sh + 1, (W + left + right - kw) // sw + 1), x.dtype)
    indices = np.zeros(y.shape, np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        best = -np.inf
        for row in range(max(i * sh - top, 0), min(i * sh - top + kh, H)):
            for col in range(max(j * sw - left, 0), min(j * sw - left + kw, W)):
                if x[n, c, row, col] > best:
                    best, indices[n, c, i, j] = x[n, c, row, col], row * W + col
        y[n, c, i, j] = best
    return y, indices
