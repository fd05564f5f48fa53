"""The output padding is appended as zeros after the borders were cut, instead of cutting less: what lies there is lost.

Told: filled with zeros
"""

import numpy as np

from minivision.ops.convolution import window_slices


def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    (sh, sw), (dh, dw), ((top, bottom), (left, right)) = stride, dilation, padding
    height, width = (H - 1) * sh + dh * (kh - 1) + 1, (W - 1) * sw + dw * (kw - 1) + 1
    full = np.zeros((N, F_group * groups, height, width), x.dtype)
    for c in range(C):
        g = c // (C // groups)
        for i, j in np.ndindex(H, W):
            rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
            full[:, g * F_group : (g + 1) * F_group, rows, columns] += x[:, c, i, j][:, None, None, None] * w[c]
    y = full[:, :, top : height - bottom, left : width - right]
    y = np.pad(y, ((0, 0), (0, 0), (0, output_padding[0]), (0, output_padding[1])))
    return y if b is None else y + b[:, None, None]
