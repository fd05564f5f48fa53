"""Loops over single numbers, compiled by Numba; sums from the last tap to the first."""

import numba
import numpy as np


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    (top, bottom), (left, right) = padding
    H_out = (x.shape[2] + top + bottom - dilation[0] * (w.shape[2] - 1) - 1) // stride[0] + 1
    W_out = (x.shape[3] + left + right - dilation[1] * (w.shape[3] - 1) - 1) // stride[1] + 1
    y = np.zeros((x.shape[0], w.shape[0], H_out, W_out), x.dtype)
    bias = np.zeros(w.shape[0], x.dtype) if b is None else b
    _fill(x, w, bias, y, stride, (top, left), dilation, groups)
    return y


@numba.njit
def _fill(x, w, b, y, stride, start, dilation, groups):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    for n in range(N):
        for f in range(F):
            first = f // (F // groups) * C_group
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    total = b[f]
                    for c in range(C_group - 1, -1, -1):
                        for r in range(kh - 1, -1, -1):
                            row = i * stride[0] + r * dilation[0] - start[0]
                            for s in range(kw - 1, -1, -1):
                                column = j * stride[1] + s * dilation[1] - start[1]
                                if 0 <= row < H and 0 <= column < W:
                                    total += x[n, first + c, row, column] * w[f, c, r, s]
                    y[n, f, i, j] = total
