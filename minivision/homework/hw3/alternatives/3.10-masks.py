"""All anchors are decoded and clipped before any is chosen; masks and one lexsort choose."""

import numpy as np

from minivision import ops


def candidate_boxes(logits, deltas, anchors, size, *, pre_nms_top_n, min_size=1.0):
    height, width = size
    boxes = ops.decode_boxes(deltas, anchors)
    boxes = np.minimum(np.maximum(boxes, 0), [width, height, width, height]).astype(logits.dtype)
    order = np.lexsort((np.arange(len(logits)), -logits))
    takes_part = np.zeros(len(logits), bool)
    takes_part[order[:pre_nms_top_n]] = True
    takes_part &= (boxes[:, 2] - boxes[:, 0] >= min_size) & (boxes[:, 3] - boxes[:, 1] >= min_size)
    order = order[takes_part[order]]
    return boxes[order], logits[order]


def select_proposals(logits, deltas, anchors, size, *, pre_nms_top_n, post_nms_top_n, iou_threshold=0.7, min_size=1.0):
    boxes, scores = candidate_boxes(logits, deltas, anchors, size, pre_nms_top_n=pre_nms_top_n, min_size=min_size)
    suppresses = np.triu(ops.box_iou(boxes, boxes) > iou_threshold, 1)
    stays = np.ones(len(boxes), bool)
    for k in range(len(boxes)):
        if stays[k]:
            stays &= ~suppresses[k]
    return boxes[stays][:post_nms_top_n]
