"""The best boxes of an object are taken out of the background, but only ignored instead of matched.

Told: not ignored
Not: not looked at
"""

import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    if iou.size == 0:
        return np.full(iou.shape[1], BACKGROUND)
    owner, value = iou.argmax(axis=0), iou.max(axis=0)
    matches = np.where(value < bg_iou_thresh, BACKGROUND, owner)
    if allow_low_quality_matches:
        best = iou.max(axis=1, keepdims=True)
        boxes = np.nonzero((iou == best) & (best > 0))[1]
        matches[boxes] = owner[boxes]
    matches[(matches >= 0) & (value < fg_iou_thresh)] = IGNORED
    return matches
