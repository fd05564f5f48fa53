"""IoU of one box with many boxes. Each coordinate is an array of its own, so that one vector holds several boxes."""

import numpy as np

from minivision.core.compile import jit


@jit
def coordinates(boxes, order):
    """Return x1, y1, x2, y2 and the area of ``boxes[order]``, each as an array of its own."""
    x1, y1 = np.empty(order.size, boxes.dtype), np.empty(order.size, boxes.dtype)
    x2, y2 = np.empty(order.size, boxes.dtype), np.empty(order.size, boxes.dtype)
    area = np.empty(order.size, boxes.dtype)
    for k in range(order.size):
        box = boxes[np.uint64(order[k])]
        x1[k], y1[k], x2[k], y2[k] = box[0], box[1], box[2], box[3]
        area[k] = (box[2] - box[0]) * (box[3] - box[1])
    return x1, y1, x2, y2, area


@jit
def pair_iou(left, top, right, bottom, own_area, x1, y1, x2, y2, area):
    """Compute the IoU of two boxes with the arithmetic of the reference implementation, in the same order.

    The conditions are written such that they compile to selections, not to branches.
    """
    zero = own_area - own_area
    low, high = x1 if x1 > left else left, x2 if x2 < right else right
    width = high - low
    width = width if width > zero else zero
    low, high = y1 if y1 > top else top, y2 if y2 < bottom else bottom
    height = high - low
    height = height if height > zero else zero
    intersection = width * height
    ratio = intersection / (own_area + area - intersection)
    return ratio if intersection > zero else zero


@jit
def update_max_iou(box, x1, y1, x2, y2, area, max_iou):
    """Update the largest IoU of several boxes by their IoU with one `box`: left, top, right, bottom, area."""
    left, top, right, bottom, own_area = box
    for j in range(max_iou.size):
        iou = pair_iou(left, top, right, bottom, own_area, x1[j], y1[j], x2[j], y2[j], area[j])
        max_iou[j] = iou if iou > max_iou[j] else max_iou[j]
