"""The areas of the two boxes are subtracted instead of the numbers of pixels of the regions.

Told: areas of the two boxes
"""

import numpy as np


def fill_similarity(boxes, sizes, i, j, image_size):
    def area(box):
        return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])

    around = np.concatenate([np.minimum(boxes[i], boxes[j])[:, :2], np.maximum(boxes[i], boxes[j])[:, 2:]], axis=1)
    return 1 - (area(around) - area(boxes[i]) - area(boxes[j])) / image_size
