import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, fg_iou_thresh, bg_iou_thresh, allow_low_quality_matches=True):
    G, A = iou.shape
    matches = []
    best = [max(row) if A else 0 for row in iou.tolist()]
    for a in range(A):
        column = [iou[g, a] for g in range(G)]
        if not column:
            matches.append(BACKGROUND)
            continue
        overlap = max(column)
        its_object = column.index(overlap)
        is_best = any(column[g] == best[g] > 0 for g in range(G))
        if overlap >= fg_iou_thresh or (allow_low_quality_matches and is_best):
            matches.append(its_object)
        else:
            matches.append(BACKGROUND if overlap < bg_iou_thresh else IGNORED)
    return np.array(matches, np.int64)
