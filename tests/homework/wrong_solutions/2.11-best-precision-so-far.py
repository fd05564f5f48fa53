"""The precision is interpolated from the wrong side: the best so far, not the best from here on.

Told: at a recall or beyond, not before
"""

import numpy as np

from minivision import ops


def average_precision_of_class(boxes, scores, images, objects, object_images, *, iou_threshold=0.5):
    found, hits = np.zeros(len(objects), bool), np.zeros(len(boxes))
    for rank, k in enumerate(np.argsort(-scores)):
        free = np.flatnonzero((object_images == images[k]) & ~found)
        if len(free):
            iou = ops.box_iou(boxes[k : k + 1], objects[free])[0]
            if iou.max() >= iou_threshold:
                found[free[iou.argmax()]] = True
                hits[rank] = 1
    recall = np.cumsum(hits) / len(objects)
    precision = np.maximum.accumulate(np.cumsum(hits) / np.arange(1, len(hits) + 1))
    average = 0.0
    for r in np.linspace(0, 1, 101):
        reached = np.flatnonzero(recall >= r)
        average += precision[reached[0]] / 101 if len(reached) else 0
    return average
