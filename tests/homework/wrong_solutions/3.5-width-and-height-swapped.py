"""h is written before w.

Told: w is where h should be|h is where w should be
Not: x and y swapped
"""

import numpy as np


def encode_yolo(boxes, labels, S, B, C, *, size=(1, 1), dtype=np.float32):
    (rows, columns), (height, width) = S, size
    tensor = np.zeros((rows, columns, 5 * B + C), dtype)
    filled = np.zeros((rows, columns), int)
    w, h = (boxes[:, 2] - boxes[:, 0]) / width, (boxes[:, 3] - boxes[:, 1]) / height
    for k in np.argsort(-w * h, kind="stable"):
        x1, y1, x2, y2 = boxes[k]
        cx, cy = (x1 + x2) / 2 / width * columns, (y1 + y2) / 2 / height * rows
        j, i = min(int(cx), columns - 1), min(int(cy), rows - 1)
        b = filled[i, j]
        if b < B:
            tensor[i, j, 5 * b : 5 * b + 5] = cx - j, cy - i, h[k], w[k], 1
            tensor[i, j, 5 * B + labels[k] - 1] += 1
            filled[i, j] += 1
    tensor[..., 5 * B :] /= np.maximum(filled, 1)[..., None]
    return tensor
