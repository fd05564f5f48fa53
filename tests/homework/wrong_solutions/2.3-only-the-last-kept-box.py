"""A box is compared only with the box that was kept last, not with all kept boxes.

Told: the one that was kept last
Not: swapped
"""

# The other function is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np


def nms(boxes, scores, iou_threshold):
    keep = []
    for i in np.argsort(-scores, kind="stable"):
        if not keep or box_iou(boxes[[keep[-1]]], boxes[[i]])[0, 0] <= iou_threshold:
            keep.append(i)
    return np.array(keep, np.int64)
