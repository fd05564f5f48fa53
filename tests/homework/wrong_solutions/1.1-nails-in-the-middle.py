"""Each value is put into the middle of its block instead of its upper left corner.

Told: in the middle of its block: it belongs
"""

import numpy as np


def bed_of_nails(x, scale=2):
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.zeros((N, C, H * sh, W * sw), x.dtype)
    y[:, :, sh // 2 :: sh, sw // 2 :: sw] = x
    return y
