"""Ignored anchors get deltas too: their -2 is taken for an index, the last object but one.

Told: IGNORED is -2
Not: swapped
"""

# The other function is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np

from minivision import ops
from minivision.detection import BACKGROUND


def anchor_targets(anchors, boxes, *, fg_iou_thresh=0.7, bg_iou_thresh=0.3):
    iou = ops.box_iou(boxes, anchors)
    matches = match(iou, fg_iou_thresh=fg_iou_thresh, bg_iou_thresh=bg_iou_thresh)
    deltas = np.zeros_like(anchors)
    chosen = matches != BACKGROUND
    if chosen.any():
        deltas[chosen] = ops.encode_boxes(boxes[matches[chosen] % len(boxes)], anchors[chosen])
    return matches, deltas
