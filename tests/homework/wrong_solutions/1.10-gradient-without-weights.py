"""The weights of the classes are in the loss, but not in its gradient.

Told: its gradient should be .* the weights are ignored
"""

import numpy as np


def softmax_cross_entropy(scores, target, *, weight=None, ignore_index=-100, reduction="mean"):
    N, C = scores.shape[:2]
    rows = np.moveaxis(scores, 1, -1).reshape(-1, C)
    labels = target.reshape(-1)
    known = labels != ignore_index
    classes = np.where(known, labels, 0)
    w = known * (np.ones(C) if weight is None else weight)[classes]
    shifted = rows - rows.max(axis=1, keepdims=True)
    logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    pick = np.arange(len(rows)), classes
    total = w.sum() if reduction == "mean" and w.sum() > 0 else 1
    loss = -(w * logp[pick]).sum() / total
    d = np.exp(logp)
    d[pick] -= 1
    d *= known[:, None]
    count = max(known.sum(), 1) if reduction == "mean" else 1
    d = np.moveaxis((d / count).reshape(N, *scores.shape[2:], C), -1, 1)
    return loss, np.ascontiguousarray(d.astype(scores.dtype))
