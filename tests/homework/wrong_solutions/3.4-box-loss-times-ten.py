"""The box loss is multiplied by 10, the weight of the paper, which belongs to another normalization.

Told: 10 times what it should be
"""

import numpy as np

from minivision import ops


def rpn_loss(logits, deltas, positive, negative, targets, *, beta=1 / 9):
    chosen = np.concatenate([positive, negative]).astype(int)
    truth = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))]).astype(logits.dtype)
    object_loss, d = ops.binary_cross_entropy_with_logits(logits.reshape(-1)[chosen], truth)
    dlogits = np.zeros(logits.size, logits.dtype)
    dlogits[chosen] = d
    count = max(len(chosen), 1)
    box_loss, d = ops.smooth_l1_loss(deltas.reshape(-1, 4)[positive], targets, beta=beta, reduction="sum")
    box_loss, d = 10 * box_loss / count, 10 * d / count
    ddeltas = np.zeros_like(deltas)
    ddeltas.reshape(-1, 4)[positive] = d
    return object_loss + box_loss, object_loss, box_loss, dlogits.reshape(logits.shape), ddeltas
