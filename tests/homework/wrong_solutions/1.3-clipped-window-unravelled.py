"""A window that is cut at the border is unravelled with the size of a whole window.

Told: cut off has a width of its own
"""

import numpy as np


def max_pool2d(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    y = np.empty((N, C, (H + top + bottom - kh) // sh + 1, (W + left + right - kw) // sw + 1), x.dtype)
    indices = np.empty(y.shape, np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        r0, c0 = max(i * sh - top, 0), max(j * sw - left, 0)
        window = x[n, c, r0 : i * sh - top + kh, c0 : j * sw - left + kw]
        y[n, c, i, j] = window.max()
        row, col = divmod(int(window.argmax()), kw)
        indices[n, c, i, j] = (r0 + row) * W + c0 + col
    return y, indices
