"""The sum over all pixels is divided by the number of images, not by the number of pixels.

Told: number of images or of rows
"""

import numpy as np


def softmax_cross_entropy(scores, target, *, weight=None, ignore_index=-100, reduction="mean"):
    N, C = scores.shape[:2]
    rows = np.moveaxis(scores, 1, -1).reshape(-1, C)
    labels = target.reshape(-1)
    known = labels != ignore_index
    classes = np.where(known, labels, 0)
    w = known * (np.ones(C) if weight is None else weight)[classes]
    exps = np.exp(rows - rows.max(axis=1, keepdims=True))
    p = exps / exps.sum(axis=1, keepdims=True)
    pick = np.arange(len(rows)), classes
    loss = -(w * np.log(p[pick])).sum()
    p[pick] -= 1
    d = p * w[:, None]
    if reduction == "mean":
        loss, d = loss / N, d / N
    d = np.moveaxis(d.reshape(N, *scores.shape[2:], C), -1, 1)
    return loss, np.ascontiguousarray(d.astype(scores.dtype))
