"""dw is assigned instead of added up, so that only the last place of the map counts.

Told: they add up
"""

import numpy as np

from minivision.ops.convolution import pad, window_slices


def conv_transpose2d_backward(dy, x, w, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    wide = pad(dy, padding)
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for c in range(C):
        g = c // (C // groups)
        for i, j in np.ndindex(H, W):
            rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
            window = wide[:, g * F_group : (g + 1) * F_group, rows, columns]
            dx[:, c, i, j] = (window * w[c]).sum((1, 2, 3))
            dw[c] = np.einsum("n,nfrs->frs", x[:, c, i, j], window)
    return dx, dw, dy.sum((0, 2, 3))
