import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, high, low, best_for_each=True):
    if min(iou.shape) == 0:
        return np.full(iou.shape[1], BACKGROUND, dtype=np.int64)
    largest = np.amax(iou, axis=0)
    found = largest >= high
    if best_for_each:
        of_object = np.amax(iou, axis=1)
        found |= ((iou == of_object[:, np.newaxis]) & (iou > 0)).any(axis=0)
    matches = np.full(iou.shape[1], IGNORED, dtype=np.int64)
    matches[largest < low] = BACKGROUND
    matches[found] = np.argmax(iou, axis=0)[found]
    return matches
