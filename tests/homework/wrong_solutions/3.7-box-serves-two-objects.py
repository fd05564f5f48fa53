"""A box that is responsible for an object is not taken out: the next object of the cell may take it again.

Told: a box has only one object
"""

import numpy as np

from minivision import ops
from minivision.detection import paired_iou


def yolo_targets(outputs, truth, B, *, coordinates=5.0, no_object=0.5):
    N, rows, columns, depth = outputs.shape
    target, weight = np.zeros_like(outputs), np.zeros_like(outputs)
    weight[..., 4 : 5 * B : 5] = no_object
    grid = np.array([columns, rows])

    def corners(cell):
        cell = np.concatenate([cell[..., :2] / grid, cell[..., 2:4]], axis=-1)
        return ops.box_convert(cell, "cxcywh", "xyxy")

    for n, i, j in np.argwhere(truth[..., 4] > 0):
        said = outputs[n, i, j, : 5 * B].reshape(B, 5).copy()
        said[:, 2:4] = said[:, 2:4] ** 2
        weight[n, i, j, 5 * B :] = 1
        target[n, i, j, 5 * B :] = truth[n, i, j, 5 * B :]
        for t in range(B):
            true = truth[n, i, j, 5 * t : 5 * t + 5]
            if true[4] == 0:
                continue
            iou = paired_iou(corners(said), corners(true)[None])
            b = iou.argmax()
            target[n, i, j, 5 * b : 5 * b + 5] = true[0], true[1], true[2] ** 0.5, true[3] ** 0.5, iou[b]
            weight[n, i, j, 5 * b : 5 * b + 5] = [coordinates] * 4 + [1]
    return target, weight
