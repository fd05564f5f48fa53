"""Both boxes of a pair in one array."""

import numpy as np


def fill_similarity(boxes, sizes, i, j, image_size):
    pairs = np.stack([boxes[i], boxes[j]])
    around = pairs[:, :, 2:].max(axis=0) - pairs[:, :, :2].min(axis=0)
    return (image_size + sizes[i] + sizes[j] - around.prod(axis=1)) / image_size
