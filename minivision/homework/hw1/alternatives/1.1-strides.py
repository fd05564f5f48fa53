"""Steps of a slice."""

import numpy as np


def bed_of_nails(x, scale=2):
    (N, C, H, W), (sh, sw) = x.shape, scale
    y = np.zeros((N, C, H * sh, W * sw), x.dtype)
    y[:, :, ::sh, ::sw] = x
    return y


def bed_of_nails_backward(dy, scale=2):
    return dy[:, :, :: scale[0], :: scale[1]].copy()
