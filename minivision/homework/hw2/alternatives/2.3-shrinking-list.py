"""The best box is removed from a list until it is empty."""

# box_iou is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np


def nms(boxes, scores, iou_threshold):
    left, keep = list(range(len(boxes))), []
    while left:
        best = max(left, key=lambda i: (scores[i], -i))
        keep.append(best)
        others = [i for i in left if i != best]
        overlap = box_iou(boxes[best : best + 1], boxes[np.array(others, dtype=int)])[0]
        left = [i for i, iou in zip(others, overlap, strict=True) if not iou > iou_threshold]
    return np.asarray(keep, dtype=int)
