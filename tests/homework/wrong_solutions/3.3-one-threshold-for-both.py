"""fg_iou_thresh is used for both thresholds, so no anchor is ignored.

Told: are ignored, not background|used for bg_iou_thresh too
Not: swapped
"""

# The other function is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np

from minivision import ops


def anchor_targets(anchors, boxes, *, fg_iou_thresh=0.7, bg_iou_thresh=0.3):
    matches = match(ops.box_iou(boxes, anchors), fg_iou_thresh=fg_iou_thresh, bg_iou_thresh=fg_iou_thresh)
    deltas = np.zeros_like(anchors)
    for k in np.flatnonzero(matches >= 0):
        deltas[k] = ops.encode_boxes(boxes[matches[k]], anchors[k])
    return matches, deltas
