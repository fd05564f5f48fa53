"""The gradients of the filters and the bias are averaged over the images of the batch.

Told: batch size N: one division by it is too many
"""

import numpy as np

from minivision.ops.convolution import pad, window_slices


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    (top, _), (left, _) = padding
    padded = pad(x, padding)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for f in range(F):
        g = f // (F // groups)
        c = slice(g * C_group, (g + 1) * C_group)
        for i, j in np.ndindex(dy.shape[2:]):
            rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
            each = dy[:, f, i, j][:, None, None, None]
            dpadded[:, c, rows, columns] += each * w[f]
            dw[f] += (each * padded[:, c, rows, columns]).mean(axis=0)
    db = dy.sum(axis=(2, 3)).mean(axis=0)
    return dpadded[:, :, top : top + H, left : left + W].copy(), dw, db
