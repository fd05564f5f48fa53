"""The square roots of w and h are taken again in the loss, though outputs and targets are roots already.

Told: square roots already
"""

import numpy as np


def yolo_loss(outputs, target, weight, B):
    error = outputs - target
    for b in range(B):
        sizes = slice(5 * b + 2, 5 * b + 4)
        error[..., sizes] = np.sqrt(np.abs(outputs[..., sizes])) - np.sqrt(np.abs(target[..., sizes]))
    squares = weight * error**2 / max(len(outputs), 1)
    doutputs = 2 * weight * error / max(len(outputs), 1)
    boxes = squares[..., : 5 * B].reshape(*squares.shape[:3], B, 5)
    responsible = weight[..., : 5 * B : 5] > 0
    parts = (
        boxes[..., :4].sum(),
        boxes[..., 4][responsible].sum(),
        boxes[..., 4][~responsible].sum(),
        squares[..., 5 * B :].sum(),
    )
    return sum(parts), *parts, doutputs
