"""A loop over the taps: each writes the whole input, multiplied by one weight, at every stride-th position."""

import numpy as np


def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    (sh, sw), (dh, dw), ((top, bottom), (left, right)) = stride, dilation, padding
    height = (H - 1) * sh + dh * (kh - 1) + 1 + output_padding[0]
    width = (W - 1) * sw + dw * (kw - 1) + 1 + output_padding[1]
    canvas = np.zeros((N, F_group * groups, height, width), x.dtype)
    for group in range(groups):
        channels = slice(group * C // groups, (group + 1) * C // groups)
        outputs = slice(group * F_group, (group + 1) * F_group)
        for r in range(kh):
            for s in range(kw):
                rows = slice(r * dh, r * dh + (H - 1) * sh + 1, sh)
                columns = slice(s * dw, s * dw + (W - 1) * sw + 1, sw)
                copies = np.einsum("ncij,cf->nfij", x[:, channels], w[channels, :, r, s])
                canvas[:, outputs, rows, columns] += copies
    y = canvas[:, :, top : height - bottom, left : width - right].copy()
    return y if b is None else y + b.reshape(-1, 1, 1)
