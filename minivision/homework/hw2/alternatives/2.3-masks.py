"""First all IoU; then each box that stays masks the boxes that it suppresses."""

# box_iou is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np


def nms(boxes, scores, iou_threshold):
    order = np.lexsort((np.arange(len(scores)), -scores))
    overlap = box_iou(boxes[order], boxes[order]) > iou_threshold
    alive = np.ones(len(order), bool)
    for k in range(len(order)):
        if alive[k]:
            alive[k + 1 :] &= ~overlap[k, k + 1 :]
    return order[alive]
