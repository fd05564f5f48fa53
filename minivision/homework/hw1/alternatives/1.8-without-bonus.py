"""A loop over the pixels of the input, for all images and channels at once: neither dilation nor groups."""

import numpy as np


def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    (kh, kw), (H, W) = w.shape[2:], x.shape[2:]
    large = [(x.shape[2 + k] - 1) * stride[k] + w.shape[2 + k] + output_padding[k] for k in (0, 1)]
    sheet = np.zeros((len(x), w.shape[1], *large), x.dtype)
    for i, j in np.ndindex(H, W):
        row, column = i * stride[0], j * stride[1]
        sheet[:, :, row : row + kh, column : column + kw] += np.tensordot(x[:, :, i, j], w, axes=1)
    (top, bottom), (left, right) = padding
    sheet = sheet[:, :, top : large[0] - bottom, left : large[1] - right]
    return sheet.copy() if b is None else sheet + b[None, :, None, None]
