r"""size is unpacked as width, height.

Told: its two numbers are swapped \(size is vertical first
"""

import numpy as np


def decode_yolo(tensor, B, *, size=(1, 1)):
    *batch, rows, columns, depth = tensor.shape
    width, height = size
    x, y, w, h, confidence = np.moveaxis(tensor[..., : 5 * B].reshape(*batch, rows, columns, B, 5), -1, 0)
    x = (x + np.arange(columns)[:, None]) * (width / columns)
    y = (y + np.arange(rows)[:, None, None]) * (height / rows)
    w, h = w * (width / 2), h * (height / 2)
    boxes = np.stack([x - w, y - h, x + w, y + h], axis=-1).astype(tensor.dtype, copy=False)
    scores = confidence[..., None] * tensor[..., None, 5 * B :]  # (..., S, S, B, C)
    return boxes.reshape(*batch, rows * columns * B, 4), scores.reshape(*batch, rows * columns * B, depth - 5 * B)
