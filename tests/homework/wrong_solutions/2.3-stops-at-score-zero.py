"""The loop ends at a score of 0, though scores may have any sign.

Told: stops at a score of 0
"""

# The other function is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np


def nms(boxes, scores, iou_threshold):
    left, keep = scores.astype(float).copy(), []
    while len(left) and left.max() > 0:
        best = int(left.argmax())
        keep.append(best)
        left[box_iou(boxes[[best]], boxes)[0] > iou_threshold] = -np.inf
        left[best] = -np.inf
    return np.array(keep, np.int64)
