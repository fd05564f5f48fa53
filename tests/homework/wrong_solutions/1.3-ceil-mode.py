r"""The output size is rounded up, so that a rest of the map has a window of its own.

Told: rounded up \(ceil_mode\)
"""

import math

import numpy as np


def max_pool2d(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    rows = math.ceil((H + top + bottom - kh) / sh) + 1
    columns = math.ceil((W + left + right - kw) / sw) + 1
    y, indices = np.empty((N, C, rows, columns), x.dtype), np.zeros((N, C, rows, columns), np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        r0, c0 = i * sh - top, j * sw - left
        window = x[n, c, max(r0, 0) : max(r0 + kh, 0), max(c0, 0) : max(c0 + kw, 0)]
        if window.size == 0:
            y[n, c, i, j] = -np.inf
            continue
        r, s = np.unravel_index(window.argmax(), window.shape)
        y[n, c, i, j], indices[n, c, i, j] = window[r, s], (max(r0, 0) + r) * W + max(c0, 0) + s
    return y, indices
