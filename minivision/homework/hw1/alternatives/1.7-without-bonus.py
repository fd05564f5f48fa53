"""A loop over the places of a window, for all images and filters at once: neither dilation nor groups."""

import numpy as np


def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
    (top, bottom), (left, right) = padding
    padded = np.pad(x, ((0, 0), (0, 0), *padding))
    gradient, dw = np.zeros_like(padded), np.zeros_like(w)
    for i, j in np.ndindex(*dy.shape[2:]):
        row, column = i * stride[0], j * stride[1]
        here = np.s_[:, :, row : row + w.shape[2], column : column + w.shape[3]]
        slopes = dy[:, :, i, j]
        gradient[here] += np.tensordot(slopes, w, axes=1)
        dw += np.tensordot(slopes.T, padded[here], axes=1)
    height, width = gradient.shape[2:]
    return gradient[:, :, top : height - bottom, left : width - right].copy(), dw, dy.sum(axis=(0, 2)).sum(axis=-1)
