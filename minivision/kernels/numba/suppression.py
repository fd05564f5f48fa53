"""Non-maximum suppression: each box that stays is held against all that come after it, many at a time."""

import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.pairwise_boxes import columns, overlap


def nms(boxes, scores, iou_threshold):
    order = np.argsort(-scores, kind="stable")
    stays = np.empty(order.size, np.bool_)
    _suppress_one_group(boxes, order, boxes.dtype.type(iou_threshold), stays)
    return order[stays]


def batched_nms(boxes, scores, labels, iou_threshold):
    order = np.argsort(-scores, kind="stable")
    by_label = np.argsort(labels[order], kind="stable")  # within a label still by score
    stays = np.empty(order.size, np.bool_)
    _suppress_groups(boxes, order[by_label], labels, boxes.dtype.type(iou_threshold), stays)
    by_score = np.empty_like(stays)
    by_score[by_label] = stays
    return order[by_score]


@jit
def _suppress_one_group(boxes, order, threshold, stays):
    _suppress(*columns(boxes, order), threshold, stays)


@jit
def _suppress_groups(boxes, order, labels, threshold, stays):
    x1, y1, x2, y2, area = columns(boxes, order)
    start = 0
    for stop in range(1, order.size + 1):
        if stop == order.size or labels[order[stop]] != labels[order[start]]:
            group = slice(start, stop)
            _suppress(x1[group], y1[group], x2[group], y2[group], area[group], threshold, stays[group])
            start = stop


@jit
def _suppress(x1, y1, x2, y2, area, threshold, stays):
    """Say which boxes stay, of those whose coordinates are given best first."""
    most = np.zeros(area.size, area.dtype)  # the largest overlap of each with a box that stays
    for i in range(area.size):
        stays[i] = most[i] <= threshold
        if stays[i]:
            rest = slice(i + 1, area.size)
            box = x1[i], y1[i], x2[i], y2[i], area[i]
            _overlap_rest(box, x1[rest], y1[rest], x2[rest], y2[rest], area[rest], most[rest])


@jit
def _overlap_rest(box, x1, y1, x2, y2, area, most):
    left, top, right, bottom, own_area = box
    for j in range(most.size):
        ratio = overlap(left, top, right, bottom, own_area, x1[j], y1[j], x2[j], y2[j], area[j])
        most[j] = ratio if ratio > most[j] else most[j]
