"""The kept boxes are returned in the order of the input, not by score.

Told: order of their indices
"""

# The other function is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np


def nms(boxes, scores, iou_threshold):
    order = list(np.argsort(-scores, kind="stable"))
    keep = []
    while order:
        best = order.pop(0)
        keep.append(best)
        order = [i for i in order if box_iou(boxes[[best]], boxes[[i]])[0, 0] <= iou_threshold]
    return np.sort(np.array(keep, np.int64))
