"""dw is set to zero for each image, so only the last image of the batch counts.

Told: only what the last image adds
"""

import numpy as np

from minivision.ops.convolution import pad, window_slices


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    (top, _), (left, _) = padding
    padded = pad(x, padding)
    dpadded = np.zeros_like(padded)
    for n in range(N):
        dw = np.zeros_like(w)
        for f in range(F):
            g = f // (F // groups)
            c = slice(g * C_group, (g + 1) * C_group)
            for i, j in np.ndindex(dy.shape[2:]):
                rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                dpadded[n, c, rows, columns] += dy[n, f, i, j] * w[f]
                dw[f] += dy[n, f, i, j] * padded[n, c, rows, columns]
    return dpadded[:, :, top : top + H, left : left + W].copy(), dw, dy.sum((0, 2, 3))
