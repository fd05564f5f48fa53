r"""The bias is added only where copies of the filter lie (not in gaps and output padding).

Told: 534 elements, which are 0 and should not be
Not: not written|b is ignored|padding is ignored
"""

import numpy as np

from minivision.core.geometry import conv_transpose_output_size
from minivision.ops.convolution import window_slices


def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    H_out, W_out = conv_transpose_output_size((H, W), (kh, kw), stride, padding, output_padding, dilation)
    (top, bottom), (left, right) = padding
    canvas = np.zeros((N, F_group * groups, top + H_out + bottom, left + W_out + right), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            group = c // (C // groups)
            outputs = slice(group * F_group, (group + 1) * F_group)
            for i in range(H):
                for j in range(W):
                    rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                    canvas[n, outputs, rows, columns] += x[n, c, i, j] * w[c]
    if b is not None:
        canvas += (canvas != 0) * b[:, None, None]
    y = canvas[:, :, top : top + H_out, left : left + W_out].copy()
    return y
