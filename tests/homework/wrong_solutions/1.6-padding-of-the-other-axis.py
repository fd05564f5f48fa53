r"""The padding of the rows is put on the columns and the other way around, so the map is read elsewhere.

Told: vertical and horizontal padding are swapped
"""

import numpy as np

from minivision.core.geometry import conv_output_size
from minivision.ops.convolution import window_slices


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    H_out, W_out = conv_output_size((H, W), (kh, kw), stride, (padding[1], padding[0]), dilation)
    (top, bottom), (left, right) = padding
    padded = np.pad(x, ((0, 0), (0, 0), (left, right), (top, bottom)))
    y = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            group = f // (F // groups)
            channels = slice(group * C_group, (group + 1) * C_group)
            for i in range(H_out):
                for j in range(W_out):
                    rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                    window = padded[n, channels, rows, columns]  # (C / groups, kh, kw)
                    y[n, f, i, j] = (window * w[f]).sum()
                    if b is not None:
                        y[n, f, i, j] = y[n, f, i, j] + b[f]
    return y
