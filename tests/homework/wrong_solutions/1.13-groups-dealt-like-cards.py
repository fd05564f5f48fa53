"""The filters are dealt to the groups like cards, f % groups, instead of in blocks.

Told: deals them out like cards
"""

import numpy as np

from minivision.core.geometry import conv_output_size
from minivision.ops.convolution import pad, window_slices


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    F, C_group, kh, kw = w.shape
    H_out, W_out = conv_output_size(x.shape[2:], (kh, kw), stride, padding, dilation)
    padded = pad(x, padding)
    y = np.zeros((len(x), F, H_out, W_out), x.dtype)
    for f in range(F):
        g = f % groups
        for i, j in np.ndindex(H_out, W_out):
            rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
            window = padded[:, g * C_group : (g + 1) * C_group, rows, columns]
            y[:, f, i, j] = np.tensordot(window, w[f], axes=3)
    return y if b is None else y + b[:, None, None]
