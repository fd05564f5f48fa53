r"""The gradient is divided by the number of regions.

Told: 5 is the number of regions: one division by it is too many
Not: batch size
"""

import numpy as np


def roi_pool_backward(dy, rois, argmax, input_shape):
    dx = np.zeros(input_shape, dy.dtype)
    for k, c, i, j in np.ndindex(dy.shape):
        if argmax[k, c, i, j] >= 0:
            row, col = divmod(argmax[k, c, i, j], input_shape[3])
            dx[int(rois[k, 0]), c, row, col] += dy[k, c, i, j]
    return dx / len(rois)
