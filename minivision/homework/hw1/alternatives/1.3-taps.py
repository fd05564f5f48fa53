"""A loop over the positions in the window, from last to first, so that the first of equal numbers stays."""

import numpy as np


def max_pool2d(x, kernel_size, *, stride=None, padding=0):
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    H_out, W_out = (H + top + bottom - kh) // sh + 1, (W + left + right - kw) // sw + 1
    y = np.full((N, C, H_out, W_out), -np.inf, x.dtype)
    indices = np.zeros(y.shape, np.int64)
    for r in reversed(range(kh)):
        for s in reversed(range(kw)):
            rows, columns = np.arange(H_out) * sh + r - top, np.arange(W_out) * sw + s - left
            inside = ((rows >= 0) & (rows < H))[:, None] & ((columns >= 0) & (columns < W))
            values = x[:, :, rows.clip(0, H - 1)[:, None], columns.clip(0, W - 1)]
            better = inside & ((values >= y) | np.isnan(values))  # once y is NaN, no number is larger
            y = np.where(better, values, y)
            indices = np.where(better, rows[:, None] * W + columns, indices)
    return y, indices
