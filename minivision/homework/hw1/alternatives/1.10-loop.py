"""A loop over the pixels, with the scores of a pixel as a list."""

import math

import numpy as np


def softmax_cross_entropy(scores, target, *, weight=None, ignore_index=-100, reduction="mean"):
    gradient = np.zeros_like(scores)
    loss, size = 0.0, 0.0
    for place in np.ndindex(target.shape):
        true = int(target[place])
        if true == ignore_index:
            continue
        n, pixel = place[0], place[1:]
        values = [float(scores[(n, c, *pixel)]) for c in range(scores.shape[1])]
        top = max(values)
        parts = [math.exp(value - top) for value in values]
        whole = math.fsum(parts)
        factor = 1.0 if weight is None else float(weight[true])
        size += factor
        loss += factor * (math.log(whole) + top - values[true])
        for c, part in enumerate(parts):
            gradient[(n, c, *pixel)] = factor * (part / whole - (c == true))
    if reduction == "mean" and size > 0:
        loss /= size
        gradient /= scores.dtype.type(size)
    return scores.dtype.type(loss), gradient
