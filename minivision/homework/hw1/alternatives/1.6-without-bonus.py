"""All windows as a view, and one product with all filters: neither dilation nor groups."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def conv2d(x, w, b=None, *, stride=1, padding=0, dilation=1, groups=1):
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    windows = sliding_window_view(padded, w.shape[2:], axis=(2, 3))[:, :, :: stride[0], :: stride[1]]
    y = np.tensordot(windows, w, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(y if b is None else y + b.reshape(-1, 1, 1))
