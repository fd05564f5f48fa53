"""x and y are taken for the upper left corner of the box instead of its center.

Told: not its upper left corner
Not: contributions
"""

import numpy as np


def decode_yolo(tensor, B, *, size=(1, 1)):
    *batch, rows, columns, depth = tensor.shape
    height, width = size
    boxes = tensor[..., : 5 * B].reshape(*batch, rows, columns, B, 5)
    i, j = np.mgrid[:rows, :columns]
    x1 = (boxes[..., 0] + j[..., None]) / columns * width
    y1 = (boxes[..., 1] + i[..., None]) / rows * height
    corners = np.stack([x1, y1, x1 + boxes[..., 2] * width, y1 + boxes[..., 3] * height], axis=-1)
    scores = boxes[..., 4, None] * tensor[..., None, 5 * B :]
    return corners.reshape(*batch, -1, 4).astype(tensor.dtype), scores.reshape(*batch, -1, depth - 5 * B)
