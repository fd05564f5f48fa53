r"""The objectness loss is the mean of the positive anchors plus the mean of the negative ones, not the mean of all.

Told: not the sum of a mean for each kind
Not: not the sum\.
"""

import numpy as np

from minivision import ops


def rpn_loss(logits, deltas, positive, negative, targets, *, beta=1 / 9):
    flat, dlogits, object_loss = logits.reshape(-1), np.zeros(logits.size, logits.dtype), 0.0
    for chosen, truth in ((positive, 1.0), (negative, 0.0)):
        if len(chosen):
            labels = np.full(len(chosen), truth, logits.dtype)
            part, dlogits[chosen] = ops.binary_cross_entropy_with_logits(flat[chosen], labels)
            object_loss = object_loss + part
    count = max(len(positive) + len(negative), 1)
    box_loss, d = ops.smooth_l1_loss(deltas.reshape(-1, 4)[positive], targets, beta=beta, reduction="sum")
    box_loss, ddeltas = box_loss / count, np.zeros_like(deltas)
    ddeltas.reshape(-1, 4)[positive] = d / count
    return object_loss + box_loss, object_loss, box_loss, dlogits.reshape(logits.shape), ddeltas
