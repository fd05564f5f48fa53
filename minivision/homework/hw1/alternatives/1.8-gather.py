"""Each output collects the inputs that contribute to it: no rows to remove. Compiled by Numba."""

import numba
import numpy as np


def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    (top, bottom), (left, right) = padding
    _, F_group, kh, kw = w.shape
    height = (x.shape[2] - 1) * stride[0] - top - bottom + dilation[0] * (kh - 1) + output_padding[0] + 1
    width = (x.shape[3] - 1) * stride[1] - left - right + dilation[1] * (kw - 1) + output_padding[1] + 1
    y = np.zeros((x.shape[0], F_group * groups, height, width), x.dtype)
    if b is not None:
        y += b[:, None, None]
    _gather(x, w, y, stride, (top, left), dilation, groups)
    return y


@numba.njit
def _gather(x, w, y, stride, start, dilation, groups):
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    C_group = C // groups
    for n in range(N):
        for f in range(y.shape[1]):
            group = f // F_group
            for row in range(y.shape[2]):
                for column in range(y.shape[3]):
                    total = y[n, f, row, column]
                    for r in range(kh):
                        i = row + start[0] - r * dilation[0]
                        if i % stride[0] or not 0 <= i // stride[0] < H:
                            continue
                        for s in range(kw):
                            j = column + start[1] - s * dilation[1]
                            if j % stride[1] or not 0 <= j // stride[1] < W:
                                continue
                            for c in range(group * C_group, (group + 1) * C_group):
                                total += x[n, c, i // stride[0], j // stride[1]] * w[c, f % F_group, r, s]
                    y[n, f, row, column] = total
