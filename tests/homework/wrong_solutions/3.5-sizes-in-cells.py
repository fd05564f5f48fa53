"""w and h are given in cells instead of fractions of the image.

Told: not of the cell
"""

import numpy as np


def encode_yolo(boxes, labels, S, B, C, *, size=(1, 1), dtype=np.float32):
    (rows, columns), (height, width) = S, size
    cells = boxes * (np.array([columns, rows] * 2) / np.array([width, height] * 2))
    tensor = np.zeros((rows, columns, 5 * B + C), dtype)
    filled = np.zeros((rows, columns), int)
    areas = (cells[:, 2] - cells[:, 0]) * (cells[:, 3] - cells[:, 1])
    for k in np.argsort(-areas, kind="stable"):
        x1, y1, x2, y2 = cells[k]
        cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
        j, i = min(int(cx), columns - 1), min(int(cy), rows - 1)
        b = filled[i, j]
        if b < B:
            tensor[i, j, 5 * b : 5 * b + 5] = cx - j, cy - i, x2 - x1, y2 - y1, 1
            tensor[i, j, 5 * B + labels[k] - 1] += 1
            filled[i, j] += 1
    tensor[..., 5 * B :] /= np.maximum(filled, 1)[..., None]
    return tensor
