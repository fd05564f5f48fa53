"""The padding is zeros that take part: where all pixels of a window are negative, a zero is the maximum.

Told: zeros of the padding count
"""

import numpy as np


def max_pool2d(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    rows, columns = (H + top + bottom - kh) // sh + 1, (W + left + right - kw) // sw + 1
    y, indices = np.empty((N, C, rows, columns), x.dtype), np.empty((N, C, rows, columns), np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        window = padded[n, c, i * sh : i * sh + kh, j * sw : j * sw + kw]
        r, s = np.unravel_index(window.argmax(), window.shape)
        y[n, c, i, j] = window[r, s]
        indices[n, c, i, j] = (i * sh + r - top) * W + (j * sw + s - left)
    return y, indices
