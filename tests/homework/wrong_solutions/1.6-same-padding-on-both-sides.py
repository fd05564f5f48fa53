"""The padding of the upper and left side is used for the lower and right side too.

Told: used for the other side too
"""

import numpy as np

from minivision.ops.convolution import window_slices


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    (sh, sw), (dh, dw) = stride, dilation
    (ph, _), (pw, _) = padding
    padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    H_out = (H + 2 * ph - dh * (kh - 1) - 1) // sh + 1
    W_out = (W + 2 * pw - dw * (kw - 1) - 1) // sw + 1
    y = np.zeros((N, F, H_out, W_out), x.dtype)
    for f in range(F):
        g = f // (F // groups)
        for i in range(H_out):
            for j in range(W_out):
                rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                window = padded[:, g * C_group : (g + 1) * C_group, rows, columns]
                y[:, f, i, j] = np.sum(window * w[f], axis=(1, 2, 3))
    return y if b is None else y + b.reshape(1, -1, 1, 1)
