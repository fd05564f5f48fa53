"""All pairs at once: (K, 1, 2) against (L, 2)."""

import numpy as np


def box_iou(a, b):
    shared = np.minimum(a[:, None, 2:], b[:, 2:]) - np.maximum(a[:, None, :2], b[:, :2])
    intersection = shared.clip(min=0).prod(axis=2)
    union = _area(a)[:, None] + _area(b) - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=intersection > 0)


def _area(boxes):
    return (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
