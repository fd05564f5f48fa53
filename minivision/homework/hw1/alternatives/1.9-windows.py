"""All windows of dy as a view: dx and dw are two einsums for each group."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def conv_transpose2d_backward(dy, x, w, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    (C, H, W), (F_group, kh, kw) = x.shape[1:], w.shape[1:]
    canvas = np.pad(dy, ((0, 0), (0, 0), *padding))
    span = dilation[0] * (kh - 1) + 1, dilation[1] * (kw - 1) + 1
    windows = sliding_window_view(canvas, span, axis=(2, 3))
    windows = windows[:, :, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]][:, :, :H, :W]
    dx, dw = np.empty_like(x), np.empty_like(w)
    for group in range(groups):
        channels = slice(group * C // groups, (group + 1) * C // groups)
        mine = windows[:, group * F_group : (group + 1) * F_group]
        dx[:, channels] = np.einsum("nfijrs,cfrs->ncij", mine, w[channels])
        dw[channels] = np.einsum("nfijrs,ncij->cfrs", mine, x[:, channels])
    return dx, dw, dy.sum(axis=3).sum(axis=2).sum(axis=0)
