"""Block by block position: every sh-th row and sw-th column is a copy of the map."""

import numpy as np


def upsample_nearest(x, scale=2):
    (N, C, H, W), (sh, sw) = x.shape, scale
    y = np.empty((N, C, H * sh, W * sw), x.dtype)
    for r in range(sh):
        for s in range(sw):
            y[:, :, r::sh, s::sw] = x
    return y


def upsample_nearest_backward(dy, scale=2):
    sh, sw = scale
    dx = np.zeros_like(dy[:, :, ::sh, ::sw])
    for r in range(sh):
        for s in range(sw):
            dx = dx + dy[:, :, r::sh, s::sw]
    return dx
