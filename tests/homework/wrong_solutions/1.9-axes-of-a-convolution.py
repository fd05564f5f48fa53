"""dw has the axes of a convolution's filters, (F, C), where those of a transpose convolution are (C, F).

Told: its axes are
"""

import numpy as np

from minivision.ops.convolution import pad, window_slices


def conv_transpose2d_backward(dy, x, w, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    wide = pad(dy, padding)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for c in range(C):
        first = c // (C // groups) * F_group
        for i, j in np.ndindex(H, W):
            rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
            window = wide[:, first : first + F_group, rows, columns]
            dx[:, c, i, j] = (window * w[c]).sum((1, 2, 3))
            dw[c] += np.einsum("n,nfrs->frs", x[:, c, i, j], window)
    return dx, dw.transpose(1, 0, 2, 3).copy(), dy.sum((0, 2, 3))
