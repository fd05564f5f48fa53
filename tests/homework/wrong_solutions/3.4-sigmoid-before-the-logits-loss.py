r"""A sigmoid is applied before the loss that takes logits.

Told: the sigmoid of logits is used in place of logits
"""

import numpy as np

from minivision import ops


def rpn_loss(logits, deltas, positive, negative, targets, *, beta=1 / 9):
    sampled = np.concatenate([positive, negative])
    is_object = np.arange(len(sampled)) < len(positive)
    object_loss, gradient = ops.binary_cross_entropy_with_logits(
        1 / (1 + np.exp(-logits.reshape(-1)[sampled])), is_object
    )
    dlogits = np.zeros_like(logits)
    dlogits.reshape(-1)[sampled] = gradient

    count = max(len(sampled), 1)
    predicted = deltas.reshape(-1, 4)[positive]
    box_loss, gradient = ops.smooth_l1_loss(predicted, targets, beta=beta, reduction="sum")
    box_loss = box_loss / count
    ddeltas = np.zeros_like(deltas)
    ddeltas.reshape(-1, 4)[positive] = gradient / count
    return object_loss + box_loss, object_loss, box_loss, dlogits, ddeltas
