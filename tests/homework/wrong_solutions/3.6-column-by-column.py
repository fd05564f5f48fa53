"""The cells are listed column by column instead of row by row.

Told: column by column
Not: two axes swapped
"""

import numpy as np


def decode_yolo(tensor, B, *, size=(1, 1)):
    *batch, rows, columns, depth = tensor.shape
    height, width = size
    boxes, scores = [], []
    for j in range(columns):
        for i in range(rows):
            for b in range(B):
                x, y, w, h, confidence = np.moveaxis(tensor[..., i, j, 5 * b : 5 * b + 5], -1, 0)
                x, y = (x + j) / columns * width, (y + i) / rows * height
                w, h = w * width / 2, h * height / 2
                boxes.append(np.stack([x - w, y - h, x + w, y + h], axis=-1))
                scores.append(confidence[..., None] * tensor[..., i, j, 5 * B :])
    return np.stack(boxes, axis=-2).astype(tensor.dtype), np.stack(scores, axis=-2)
