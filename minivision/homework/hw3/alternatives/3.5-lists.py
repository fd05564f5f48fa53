import math

import numpy as np


def encode_yolo(boxes, labels, S, B, C, *, size=(1, 1), dtype=np.float32):
    cells = {}
    for box, label in zip(boxes.tolist(), labels.tolist(), strict=True):
        x, y = (box[0] + box[2]) / 2 * S[1] / size[1], (box[1] + box[3]) / 2 * S[0] / size[0]
        w, h = (box[2] - box[0]) / size[1], (box[3] - box[1]) / size[0]
        place = min(math.floor(y), S[0] - 1), min(math.floor(x), S[1] - 1)
        cells.setdefault(place, []).append((x - place[1], y - place[0], w, h, label))
    tensor = np.zeros((*S, 5 * B + C))
    for (row, column), objects in cells.items():
        kept = sorted(objects, key=lambda each: each[2] * each[3], reverse=True)[:B]  # keeps the order of equal ones
        for b, (x, y, w, h, label) in enumerate(kept):
            tensor[row, column, 5 * b : 5 * b + 5] = x, y, w, h, 1
            tensor[row, column, 5 * B + label - 1] += 1 / len(kept)
    return tensor.astype(dtype)
