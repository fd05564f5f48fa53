"""Pair by pair, in Python's own numbers."""

import numpy as np


def fill_similarity(boxes, sizes, i, j, image_size):
    result = np.zeros(len(i))
    for p, (one, other) in enumerate(zip(i, j, strict=True)):
        width = max(boxes[one, 2], boxes[other, 2]) - min(boxes[one, 0], boxes[other, 0])
        height = max(boxes[one, 3], boxes[other, 3]) - min(boxes[one, 1], boxes[other, 1])
        result[p] = 1 - (int(width) * int(height) - int(sizes[one]) - int(sizes[other])) / image_size
    return result
