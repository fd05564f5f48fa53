r"""The class probabilities are divided by B, not by the number of objects in the cell.

Told: does not match any mistake
Not: is used in place|is ignored
"""

import numpy as np


def encode_yolo(boxes, labels, S, B, C, *, size=(1, 1), dtype=np.float32):
    (rows, columns), (height, width) = S, size  # type: ignore[misc]
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2 / width * columns, (boxes[:, 1] + boxes[:, 3]) / 2 / height * rows
    w, h = (boxes[:, 2] - boxes[:, 0]) / width, (boxes[:, 3] - boxes[:, 1]) / height
    # A center on the right or lower border of the image is in the last cell.
    column, row = np.minimum(x.astype(int), columns - 1), np.minimum(y.astype(int), rows - 1)

    tensor = np.zeros((rows, columns, 5 * B + C), dtype)
    classes = tensor[..., 5 * B :]
    for k in np.argsort(-w * h, kind="stable"):
        cell = tensor[row[k], column[k]]
        free = np.flatnonzero(cell[4 : 5 * B : 5] == 0)
        if free.size:
            cell[5 * free[0] : 5 * free[0] + 5] = x[k] - column[k], y[k] - row[k], w[k], h[k], 1
            classes[row[k], column[k], labels[k] - 1] += 1
    classes /= B
    return tensor
