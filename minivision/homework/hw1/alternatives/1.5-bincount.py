"""One np.bincount for each map; the backward pass uses flat indices."""

import numpy as np


def max_unpool2d(x, indices, output_size):
    H, W = output_size
    y = np.zeros((*x.shape[:2], H, W), x.dtype)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            flat = np.bincount(indices[n, c].ravel(), weights=x[n, c].ravel(), minlength=H * W)
            y[n, c] = flat.reshape(H, W)
    return y


def max_unpool2d_backward(dy, indices):
    dx = np.zeros(indices.shape, dy.dtype)
    for n in range(dy.shape[0]):
        for c in range(dy.shape[1]):
            dx[n, c] = dy[n, c].ravel()[indices[n, c]]
    return dx
