import numpy as np


def rpn_loss(logits, deltas, positive, negative, targets, *, beta=1 / 9):
    N, K = logits.shape
    count = len(positive) + len(negative)
    object_loss, box_loss = logits.dtype.type(0), logits.dtype.type(0)
    dlogits, ddeltas = np.zeros_like(logits), np.zeros_like(deltas)
    for numbers, target in ((positive, 1), (negative, 0)):
        for number in numbers:
            n, k = divmod(int(number), K)
            x = logits[n, k]
            object_loss += np.logaddexp(0, x) - target * x
            probability = 0.5 * (1 + np.tanh(0.5 * x))
            dlogits[n, k] = (probability - target) / count
    for number, target in zip(positive, targets, strict=True):
        n, k = divmod(int(number), K)
        error = deltas[n, k] - target
        near = abs(error) < beta
        losses = abs(error) - beta / 2
        losses[near] = error[near] ** 2 / (2 * beta)
        box_loss += losses.sum()
        slopes = np.sign(error)
        slopes[near] = error[near] / beta
        ddeltas[n, k] = slopes / count
    if count:
        object_loss, box_loss = object_loss / count, box_loss / count
    return object_loss + box_loss, object_loss, box_loss, dlogits, ddeltas
