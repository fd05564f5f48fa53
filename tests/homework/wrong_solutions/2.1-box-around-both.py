"""The intersection is divided by the area of the box around both, not by the union.

Told: box around both
"""

import numpy as np


def box_iou(a, b):
    low, high = np.maximum(a[:, None, :2], b[:, :2]), np.minimum(a[:, None, 2:], b[:, 2:])
    inter = np.maximum(high - low, 0).prod(axis=2)
    around = (np.maximum(a[:, None, 2:], b[:, 2:]) - np.minimum(a[:, None, :2], b[:, :2])).prod(axis=2)
    return np.divide(inter, around, out=np.zeros_like(inter), where=inter > 0)
