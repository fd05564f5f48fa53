"""A loop over the taps: the gradients are read at every stride-th position."""

import numpy as np


def conv_transpose2d_backward(dy, x, w, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    C, H, W = x.shape[1:]
    _, F_group, kh, kw = w.shape
    (sh, sw), (down, across) = stride, dilation
    canvas = np.pad(dy, ((0, 0), (0, 0), *padding))
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for group in range(groups):
        channels = slice(group * C // groups, (group + 1) * C // groups)
        outputs = slice(group * F_group, (group + 1) * F_group)
        for r in range(kh):
            for s in range(kw):
                rows = slice(r * down, r * down + (H - 1) * sh + 1, sh)
                columns = slice(s * across, s * across + (W - 1) * sw + 1, sw)
                under = canvas[:, outputs, rows, columns]  # (N, F / groups, H, W)
                dx[:, channels] += np.einsum("nfij,cf->ncij", under, w[channels, :, r, s])
                dw[channels, :, r, s] = np.einsum("ncij,nfij->cf", x[:, channels], under)
    return dx, dw, np.einsum("nfij->f", dy)
