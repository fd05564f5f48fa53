"""Numba kernels of ``nms`` and ``batched_nms``: compare each kept box with all of lower score, several at a time.

What more boxes need, as many as no detector here has, is in ``engine/many_boxes.py``, and compiled when it is needed.
"""

import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine import many_boxes
from minivision.kernels.numba.engine.pairwise_boxes import coordinates, update_max_iou

_MANY = 4096  # boxes


def nms(boxes, scores, iou_threshold):
    many = scores.size >= _MANY
    order = many_boxes.by_descending_score(scores) if many else np.argsort(-scores, kind="stable")
    suppress = many_boxes.suppress_one_group if many else _suppress_one_group
    keep = np.empty(order.size, np.bool_)
    suppress(boxes, order, boxes.dtype.type(iou_threshold), keep)
    return order[keep]


def batched_nms(boxes, scores, labels, iou_threshold):
    many = scores.size >= _MANY
    order = many_boxes.by_descending_score(scores) if many else np.argsort(-scores, kind="stable")
    # Boxes of a label stay sorted by score.
    by_label = many_boxes.by_label(labels[order]) if many else np.argsort(labels[order], kind="stable")
    suppress = many_boxes.suppress_groups if many else _suppress_groups
    keep = np.empty(order.size, np.bool_)
    suppress(boxes, order[by_label], labels, boxes.dtype.type(iou_threshold), keep)
    by_score = np.empty_like(keep)
    by_score[by_label] = keep
    return order[by_score]


@jit
def _suppress_one_group(boxes, order, threshold, keep):
    _suppress(*coordinates(boxes, order), threshold, keep)


@jit
def _suppress_groups(boxes, order, labels, threshold, keep):
    x1, y1, x2, y2, area = coordinates(boxes, order)
    start = 0
    for stop in range(1, order.size + 1):
        if stop == order.size or labels[order[stop]] != labels[order[start]]:
            group = slice(start, stop)
            _suppress(x1[group], y1[group], x2[group], y2[group], area[group], threshold, keep[group])
            start = stop


@jit
def _suppress(x1, y1, x2, y2, area, threshold, keep):
    """Write to `keep` which boxes are kept; the coordinates are sorted by descending score."""
    max_iou = np.zeros(area.size, area.dtype)  # the largest IoU of each box with a kept box
    for i in range(area.size):
        keep[i] = max_iou[i] <= threshold
        if keep[i]:
            rest = slice(i + 1, area.size)
            box = x1[i], y1[i], x2[i], y2[i], area[i]
            update_max_iou(box, x1[rest], y1[rest], x2[rest], y2[rest], area[rest], max_iou[rest])
