import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    if min(iou.shape) == 0:
        return np.full(iou.shape[1], BACKGROUND, dtype=np.int64)
    largest = np.amax(iou, axis=0)
    found = largest >= fg_iou_thresh
    if allow_low_quality_matches:
        of_object = np.amax(iou, axis=1)
        found |= ((iou == of_object[:, np.newaxis]) & (iou > 0)).any(axis=0)
    matches = np.full(iou.shape[1], IGNORED, dtype=np.int64)
    matches[largest < bg_iou_thresh] = BACKGROUND
    matches[found] = np.argmax(iou, axis=0)[found]
    return matches
