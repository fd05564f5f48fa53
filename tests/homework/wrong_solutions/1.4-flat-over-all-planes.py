"""The indices are used in the flattened array of all planes, so all gradients go to the first plane.

Told: counts in its own plane
"""

import numpy as np


def max_pool2d_backward(dy, indices, input_size):
    dx = np.zeros((*dy.shape[:2], *input_size), dy.dtype)
    np.add.at(dx.reshape(-1), indices.ravel(), dy.ravel())
    return dx
