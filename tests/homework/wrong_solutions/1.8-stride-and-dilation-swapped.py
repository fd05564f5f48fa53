"""Stride and dilation are swapped: copies are `dilation` apart, the taps of the filter `stride`.

Told: stride and dilation are swapped
Not: stride is ignored
"""

import numpy as np

from minivision.core.geometry import conv_transpose_output_size


def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    (top, bottom), (left, right) = padding
    H_out, W_out = conv_transpose_output_size((H, W), (kh, kw), stride, padding, output_padding, dilation)
    (sh, sw), (dh, dw) = dilation, stride
    tall = max(top + H_out + bottom, (H - 1) * sh + (kh - 1) * dh + 1)
    wide = max(left + W_out + right, (W - 1) * sw + (kw - 1) * dw + 1)
    canvas = np.zeros((N, F_group * groups, tall, wide), x.dtype)
    for c in range(C):
        first = c // (C // groups) * F_group
        for i, j, r, s in np.ndindex(H, W, kh, kw):
            canvas[:, first : first + F_group, i * sh + r * dh, j * sw + s * dw] += x[:, c, i, j, None] * w[c, :, r, s]
    y = canvas[:, :, top : top + H_out, left : left + W_out].copy()
    return y if b is None else y + b[:, None, None]
