import numpy as np


def yolo_loss(outputs, target, weight, B):
    N = max(len(outputs), 1)
    error = outputs - target
    one = np.ones_like(outputs[..., 0])
    cost = np.einsum("nijk,nijk,nijk->k", weight, error, error) / N  # of each of the 5 B + C numbers
    coordinates = np.arange(5 * B) % 5 < 4
    box_loss, class_loss = cost[: 5 * B][coordinates].sum(), cost[5 * B :].sum()
    object_loss = no_object_loss = 0 * one.sum()
    for b in range(B):
        responsible = (weight[..., 5 * b] > 0).astype(outputs.dtype)
        of_objects = (
            np.einsum("nij,nij,nij,nij->", responsible, weight[..., 5 * b + 4], *[error[..., 5 * b + 4]] * 2) / N
        )
        object_loss = object_loss + of_objects
        no_object_loss = no_object_loss + cost[5 * b + 4] - of_objects
    loss = cost.sum()
    return loss, box_loss, object_loss, no_object_loss, class_loss, 2 / N * weight * error
