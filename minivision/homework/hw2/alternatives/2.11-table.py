"""One table of overlaps, in which what is taken is crossed out; the curve by a running maximum and a search."""

# box_iou is the one of the solution, at whose end this stands.
# ruff: noqa: F821

import numpy as np


def average_precision_of_class(boxes, scores, images, objects, object_images, *, iou_threshold=0.5):
    order = np.argsort(scores)[::-1]
    table = np.where(images[order][:, None] == object_images, box_iou(boxes[order], objects), -1.0)
    hits = np.zeros(len(order))
    for row in range(len(order)):
        column = table[row].argmax()
        if table[row, column] >= iou_threshold:
            hits[row] = 1
            table[:, column] = -1
    counts = hits.cumsum()
    envelope = np.maximum.accumulate((counts / np.arange(1, len(hits) + 1))[::-1])[::-1]
    place = np.searchsorted(counts / len(objects), np.arange(101) / 100)
    return np.append(envelope, 0)[place].mean()
