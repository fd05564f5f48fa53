"""The largest score of all pixels is subtracted, so all exponentials of a pixel with low scores become 0.

Told: largest score of all pixels is subtracted
"""

import numpy as np


def softmax_cross_entropy(scores, target, *, weight=None, ignore_index=-100, reduction="mean"):
    C = scores.shape[1]
    shifted = scores - scores.max(initial=0)
    exps = np.exp(shifted)
    sums = exps.sum(axis=1, keepdims=True)
    known = target != ignore_index
    classes = np.where(known, target, 0)
    w = known * (np.ones(C, scores.dtype) if weight is None else weight)[classes]
    onehot = np.moveaxis(np.eye(C, dtype=scores.dtype)[classes], -1, 1)
    losses = w * (np.log(sums[:, 0]) - (shifted * onehot).sum(axis=1))
    d = np.expand_dims(w, 1) * (exps / sums - onehot)
    total = w.sum() if reduction == "mean" and w.sum() > 0 else 1
    return losses.sum() / total, (d / total).astype(scores.dtype)
