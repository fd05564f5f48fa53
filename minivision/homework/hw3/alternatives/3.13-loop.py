"""Lists and sorting, box by box."""

import numpy as np


def choose_negatives(background, labels, *, ratio=3):
    result = []
    for probabilities, kinds in zip(background.tolist(), labels.tolist(), strict=True):
        wanted = ratio * sum(kind > 0 for kind in kinds)
        empty = sorted((p, k) for k, (p, kind) in enumerate(zip(probabilities, kinds, strict=True)) if kind == 0)
        picked = {k for _, k in empty[:wanted]}
        result.append([k in picked for k in range(len(kinds))])
    return np.array(result)
