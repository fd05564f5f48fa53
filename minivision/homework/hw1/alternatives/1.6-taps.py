"""A loop over the taps of the filter: each adds a shifted copy of the input, multiplied by one weight."""

import numpy as np


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    (sh, sw), (dh, dw), ((top, bottom), (left, right)) = stride, dilation, padding
    H_out = (H + top + bottom - dh * (kh - 1) - 1) // sh + 1
    W_out = (W + left + right - dw * (kw - 1) - 1) // sw + 1
    padded = np.zeros((N, C, H + top + bottom, W + left + right), x.dtype)
    padded[:, :, top : top + H, left : left + W] = x
    y = np.zeros((N, F, H_out, W_out), x.dtype)
    if b is not None:
        y += b.reshape(1, F, 1, 1)
    for f in range(F):
        first = f // (F // groups) * C_group
        for c in range(C_group):
            for r in range(kh):
                for s in range(kw):
                    rows = slice(r * dh, r * dh + (H_out - 1) * sh + 1, sh)
                    columns = slice(s * dw, s * dw + (W_out - 1) * sw + 1, sw)
                    y[:, f] += w[f, c, r, s] * padded[:, first + c, rows, columns]
    return y
