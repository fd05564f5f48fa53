import math

import numpy as np


def yolo_targets(outputs, truth, B, *, coordinates=5.0, no_object=0.5):
    N, rows, columns, depth = outputs.shape
    target, weight = np.zeros_like(outputs), np.zeros_like(outputs)
    weight[..., 4 : 5 * B : 5] = no_object
    for n, i, j in np.ndindex(N, rows, columns):
        said, true = outputs[n, i, j], truth[n, i, j]
        objects = [true[5 * b : 5 * b + 4] for b in range(B) if true[5 * b + 4]]
        free = list(range(B))
        for x, y, w, h in objects:
            overlaps = [
                _iou((x / columns, y / rows, w, h), (s[0] / columns, s[1] / rows, s[2] ** 2, s[3] ** 2))
                for s in (said[5 * b : 5 * b + 4] for b in free)
            ]
            k = overlaps.index(max(overlaps))
            b, overlap = free.pop(k), overlaps[k]
            target[n, i, j, 5 * b : 5 * b + 5] = x, y, math.sqrt(w), math.sqrt(h), overlap
            weight[n, i, j, 5 * b : 5 * b + 5] = coordinates, coordinates, coordinates, coordinates, 1
        if objects:
            target[n, i, j, 5 * B :] = true[5 * B :]
            weight[n, i, j, 5 * B :] = 1
    return target, weight


def _iou(a, b):
    width = min(a[0] + a[2] / 2, b[0] + b[2] / 2) - max(a[0] - a[2] / 2, b[0] - b[2] / 2)
    height = min(a[1] + a[3] / 2, b[1] + b[3] / 2) - max(a[1] - a[3] / 2, b[1] - b[3] / 2)
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (a[2] * a[3] + b[2] * b[3] - width * height)
