"""Compiled loops."""

import numpy as np
from numba import njit


@njit
def box_iou(a, b):
    iou = np.zeros((len(a), len(b)), a.dtype)
    for j in range(len(b)):
        own = (b[j, 2] - b[j, 0]) * (b[j, 3] - b[j, 1])
        for i in range(len(a)):
            width = min(a[i, 2], b[j, 2]) - max(a[i, 0], b[j, 0])
            height = min(a[i, 3], b[j, 3]) - max(a[i, 1], b[j, 1])
            if width > 0 and height > 0:
                iou[i, j] = width * height / (own + (a[i, 2] - a[i, 0]) * (a[i, 3] - a[i, 1]) - width * height)
    return iou
