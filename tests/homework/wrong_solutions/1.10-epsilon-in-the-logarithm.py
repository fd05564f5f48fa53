"""A small number is added to the probability before its logarithm.

Told: has lost its logarithm
"""

import numpy as np


def softmax_cross_entropy(scores, target, *, weight=None, ignore_index=-100, reduction="mean"):
    C = scores.shape[1]
    exps = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = exps / exps.sum(axis=1, keepdims=True)
    known = target != ignore_index
    classes = np.where(known, target, 0)
    w = known * (np.ones(C, scores.dtype) if weight is None else weight)[classes]
    onehot = np.moveaxis(np.eye(C, dtype=scores.dtype)[classes], -1, 1)
    losses = -w * np.log((p * onehot).sum(axis=1) + 1e-8)
    d = np.expand_dims(w, 1) * (p - onehot)
    total = w.sum() if reduction == "mean" and w.sum() > 0 else 1
    return losses.sum() / total, (d / total).astype(scores.dtype)
