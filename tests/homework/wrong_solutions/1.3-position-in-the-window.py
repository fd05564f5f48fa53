"""The index is the position of the maximum in its window, not in the plane of x.

Told: count within each window
"""

import numpy as np


def max_pool2d(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=-np.inf)
    rows, columns = (H + top + bottom - kh) // sh + 1, (W + left + right - kw) // sw + 1
    y, indices = np.empty((N, C, rows, columns), x.dtype), np.empty((N, C, rows, columns), np.int64)
    for i, j in np.ndindex(rows, columns):
        window = padded[:, :, i * sh : i * sh + kh, j * sw : j * sw + kw].reshape(N, C, -1)
        y[:, :, i, j] = window.max(axis=2)
        indices[:, :, i, j] = window.argmax(axis=2)
    return y, indices
