"""A box is dropped by any better box that overlaps it, also by one that was dropped itself.

Told: still suppresses others
"""

# The other function is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np


def nms(boxes, scores, iou_threshold):
    order = np.argsort(-scores, kind="stable")
    overlaps = np.triu(box_iou(boxes[order], boxes[order]) > iou_threshold, 1)
    return order[~overlaps.any(axis=0)]
