"""A window that begins in the padding is moved into the map with its full size, instead of being cut.

Told: is moved into it
"""

import numpy as np


def max_pool2d(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    rows, columns = (H + top + bottom - kh) // sh + 1, (W + left + right - kw) // sw + 1
    y, indices = np.empty((N, C, rows, columns), x.dtype), np.empty((N, C, rows, columns), np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        r0, c0 = max(i * sh - top, 0), max(j * sw - left, 0)
        window = x[n, c, r0 : r0 + kh, c0 : c0 + kw]
        r, s = np.unravel_index(np.argmax(window), window.shape)
        y[n, c, i, j], indices[n, c, i, j] = window[r, s], (r0 + r) * W + c0 + s
    return y, indices
