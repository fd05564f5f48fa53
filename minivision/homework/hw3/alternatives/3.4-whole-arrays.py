import numpy as np

from minivision import ops


def rpn_loss(logits, deltas, positive, negative, targets, *, beta=1 / 9):
    N, K = logits.shape
    count = max(len(positive) + len(negative), 1)
    is_drawn, is_object = np.zeros(N * K, bool), np.zeros(N * K, logits.dtype)
    is_drawn[positive], is_drawn[negative], is_object[positive] = True, True, 1
    object_loss, some = ops.binary_cross_entropy_with_logits(
        logits.ravel()[is_drawn], is_object[is_drawn], reduction="sum"
    )
    object_loss = object_loss / count
    dlogits = np.zeros(N * K, logits.dtype)
    dlogits[is_drawn] = some / count
    wanted = deltas.reshape(N * K, 4).copy()  # of all others what is said is right
    wanted[positive] = targets
    box_loss, ddeltas = ops.smooth_l1_loss(deltas.reshape(N * K, 4), wanted, beta=beta, reduction="sum")
    box_loss = box_loss / count
    return (
        object_loss + box_loss, object_loss, box_loss, dlogits.reshape(N, K), (ddeltas / count).reshape(N, K, 4)
    )  # fmt: skip
