"""A detection takes the first object with a large enough IoU, not the one with the largest.

Told: not the first one that is near enough
"""

import numpy as np


def _iou(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    both = np.prod(np.maximum(sides, 0))
    return both / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - both)


def average_precision_of_class(boxes, scores, images, objects, object_images, *, iou_threshold=0.5):
    taken, hits = set(), []
    for k in np.argsort(-scores):
        hit = 0
        for g in range(len(objects)):
            if object_images[g] == images[k] and g not in taken and _iou(boxes[k], objects[g]) >= iou_threshold:
                taken.add(g)
                hit = 1
                break
        hits.append(hit)
    found = np.cumsum(hits)
    recall, precision = found / len(objects), found / np.arange(1, len(hits) + 1)
    return float(np.mean([max([0, *precision[recall >= r]]) for r in np.linspace(0, 1, 101)]))
