"""A loop over the taps: the gradient is shifted in the opposite direction."""

import numpy as np


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    H, W = x.shape[2:]
    F, C_group, kh, kw = w.shape
    H_out, W_out = dy.shape[2:]
    (sh, sw), (dh, dw_) = stride, dilation
    (top, _), (left, _) = padding
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    dpadded = np.zeros(padded.shape, x.dtype)
    dw = np.zeros_like(w)
    for group in range(groups):
        filters = slice(group * F // groups, (group + 1) * F // groups)
        channels = slice(group * C_group, (group + 1) * C_group)
        for r in range(kh):
            for s in range(kw):
                rows = slice(r * dh, r * dh + (H_out - 1) * sh + 1, sh)
                columns = slice(s * dw_, s * dw_ + (W_out - 1) * sw + 1, sw)
                dpadded[:, channels, rows, columns] += np.einsum("nfij,fc->ncij", dy[:, filters], w[filters, :, r, s])
                dw[filters, :, r, s] = np.einsum("nfij,ncij->fc", dy[:, filters], padded[:, channels, rows, columns])
    return dpadded[:, :, top : top + H, left : left + W].copy(), dw, dy.sum(axis=(0, 2, 3))
