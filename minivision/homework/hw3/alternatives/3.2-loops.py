import numpy as np

from minivision.detection import BACKGROUND, IGNORED


def match(iou, *, high, low, best_for_each=True):
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
        if overlap >= high or (best_for_each and is_best):
            matches.append(its_object)
        else:
            matches.append(BACKGROUND if overlap < low else IGNORED)
    return np.array(matches, np.int64)
