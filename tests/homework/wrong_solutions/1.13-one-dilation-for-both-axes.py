"""The dilation of the rows is used for the columns too.

Told: vertical number of dilation
"""

import numpy as np

from minivision.core.geometry import conv_output_size
from minivision.ops.convolution import pad


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    F, C_group, kh, kw = w.shape
    H_out, W_out = conv_output_size(x.shape[2:], (kh, kw), stride, padding, dilation)
    (sh, sw), (d, _) = stride, dilation
    padded = pad(x, padding)
    y = np.zeros((len(x), F, H_out, W_out), x.dtype)
    for f in range(F):
        g = f // (F // groups)
        for i in range(H_out):
            for j in range(W_out):
                for r in range(kh):
                    for s in range(kw):
                        row, column = i * sh + r * d, j * sw + s * d
                        if row < padded.shape[2] and column < padded.shape[3]:
                            pixels = padded[:, g * C_group : (g + 1) * C_group, row, column]
                            y[:, f, i, j] += pixels @ w[f, :, r, s]
        if b is not None:
            y[:, f] += b[f]
    return y
