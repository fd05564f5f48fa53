"""The intersection is divided by the area of the smaller box, not by the union.

Told: the smaller one
"""

import numpy as np


def box_iou(a, b):
    lo = np.maximum(a[:, None, :2], b[None, :, :2])
    hi = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.clip(hi - lo, 0, None).prod(axis=2)
    area_a = (a[:, 2] - a[:, 0]) * (a[:, 3] - a[:, 1])
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    smaller = np.minimum(area_a[:, None], area_b[None])
    return np.where(inter > 0, inter / np.where(smaller > 0, smaller, 1), 0).astype(a.dtype)
