"""An epsilon of 1e-3 is added to the union, which is no longer negligible.

Told: 0.001 is added to the union
"""

import numpy as np


def box_iou(a, b):
    size = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    inter = np.maximum(size, 0).prod(axis=2)
    areas = (a[:, None, 2:] - a[:, None, :2]).prod(axis=2) + (b[:, 2:] - b[:, :2]).prod(axis=1)
    return np.where(inter > 0, inter / np.where(inter > 0, areas - inter + 1e-3, 1), 0)
