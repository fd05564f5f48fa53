r"""Negative widths and heights of the intersection are made positive instead of 0.

Told: made positive \(abs\)
"""

import numpy as np


def box_iou(a, b):
    iou = np.zeros((len(a), len(b)), a.dtype)
    for i in range(len(a)):
        for j in range(len(b)):
            width = abs(min(a[i, 2], b[j, 2]) - max(a[i, 0], b[j, 0]))
            height = abs(min(a[i, 3], b[j, 3]) - max(a[i, 1], b[j, 1]))
            inter = width * height
            areas = (a[i, 2] - a[i, 0]) * (a[i, 3] - a[i, 1]) + (b[j, 2] - b[j, 0]) * (b[j, 3] - b[j, 1])
            if inter > 0 and areas - inter != 0:
                iou[i, j] = inter / (areas - inter)
    return iou
