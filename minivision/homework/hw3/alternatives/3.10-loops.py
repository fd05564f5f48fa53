"""Box by box, without any function of the library."""

import math

import numpy as np


def _decode(delta, anchor):
    tx, ty, tw, th = map(float, delta)
    x1, y1, x2, y2 = map(float, anchor)
    limit = math.log(1000 / 16)
    width, height = (x2 - x1) * math.exp(min(tw, limit)), (y2 - y1) * math.exp(min(th, limit))
    x, y = (x1 + x2) / 2 + tx * (x2 - x1), (y1 + y2) / 2 + ty * (y2 - y1)
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


def candidate_boxes(logits, deltas, anchors, size, *, pre_nms_top_n, min_size=1.0):
    height, width = size
    boxes, scores = [], []
    for k in sorted(range(len(logits)), key=lambda k: (-logits[k], k))[:pre_nms_top_n]:
        x1, y1, x2, y2 = _decode(deltas[k], anchors[k])
        x1, x2 = (min(max(x, 0), width) for x in (x1, x2))
        y1, y2 = (min(max(y, 0), height) for y in (y1, y2))
        if x2 - x1 >= min_size and y2 - y1 >= min_size:
            boxes.append((x1, y1, x2, y2))
            scores.append(logits[k])
    return np.array(boxes, logits.dtype).reshape(-1, 4), np.array(scores, logits.dtype)


def _iou(a, b):
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def select_proposals(logits, deltas, anchors, size, *, pre_nms_top_n, post_nms_top_n, iou_threshold=0.7, min_size=1.0):
    boxes, _ = candidate_boxes(logits, deltas, anchors, size, pre_nms_top_n=pre_nms_top_n, min_size=min_size)
    kept = []
    for box in boxes:
        if len(kept) < post_nms_top_n and all(_iou(box, other) <= iou_threshold for other in kept):
            kept.append(box)
    return np.array(kept, logits.dtype).reshape(-1, 4)
