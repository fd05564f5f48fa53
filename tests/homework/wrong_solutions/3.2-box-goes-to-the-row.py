r"""The best box of an object is matched with this object, though another object has a larger IoU with the box.

Told: largest IoU in \*its\* column
"""

import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    G, A = iou.shape
    matches = np.full(A, BACKGROUND)
    if G == 0 or A == 0:
        return matches
    largest = iou.max(axis=0)
    matches[largest >= bg_iou_thresh] = IGNORED
    strong = largest >= fg_iou_thresh
    matches[strong] = iou.argmax(axis=0)[strong]
    if allow_low_quality_matches:
        for g in range(G):
            best = iou[g].max()
            if best > 0:
                matches[iou[g] == best] = g
    return matches
