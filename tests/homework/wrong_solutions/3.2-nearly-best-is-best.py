"""Boxes whose IoU is nearly the largest count as best: np.isclose instead of ==.

Told: Nearly the largest
"""

import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    if iou.size == 0:
        return np.full(iou.shape[1], BACKGROUND)
    owner, value = iou.argmax(axis=0), iou.max(axis=0)
    matches = np.where(value >= fg_iou_thresh, owner, np.where(value < bg_iou_thresh, BACKGROUND, IGNORED))
    if allow_low_quality_matches:
        best = iou.max(axis=1, keepdims=True)
        boxes = np.nonzero((iou > best - 1e-3) & (best > 0))[1]
        matches[boxes] = owner[boxes]
    return matches
