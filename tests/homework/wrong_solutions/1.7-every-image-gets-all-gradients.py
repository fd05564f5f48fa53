"""dx of each image gets the gradients of all images: the index n is missing where dx is added up.

Told: sum over all images of the batch
"""

import numpy as np

from minivision.ops.convolution import pad, window_slices


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    (top, _), (left, _) = padding
    padded = pad(x, padding)
    dpadded, dw = np.zeros_like(padded), np.zeros_like(w)
    for n in range(N):
        for f in range(F):
            first = f // (F // groups) * C_group
            for i, j in np.ndindex(dy.shape[2:]):
                rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                dpadded[:, first : first + C_group, rows, columns] += dy[n, f, i, j] * w[f]
                dw[f] += dy[n, f, i, j] * padded[n, first : first + C_group, rows, columns]
    return dpadded[:, :, top : top + H, left : left + W].copy(), dw, dy.sum(axis=(0, 2, 3))
