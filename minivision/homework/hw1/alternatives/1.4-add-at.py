"""np.add.at, which adds each time where an index repeats."""

import numpy as np


def max_pool2d_backward(dy, indices, input_size):
    N, C = dy.shape[:2]
    dx = np.zeros((N * C, input_size[0] * input_size[1]), dy.dtype)
    planes = np.broadcast_to(np.arange(N * C).reshape(N, C, 1, 1), dy.shape)
    np.add.at(dx, (planes.ravel(), indices.ravel()), dy.ravel())
    return dx.reshape(N, C, *input_size)
