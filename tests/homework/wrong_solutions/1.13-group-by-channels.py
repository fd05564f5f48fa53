r"""The group of a filter is computed with the channels of a group (C / groups) instead of its filters (F / groups).

Told: f // \(F // groups\)
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
        group = f // C_group % groups
        for i in range(H_out):
            for j in range(W_out):
                rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                window = padded[:, group * C_group : (group + 1) * C_group, rows, columns]
                y[:, f, i, j] = (window * w[f]).sum((1, 2, 3))
                if b is not None:
                    y[:, f, i, j] += b[f]
    return y
