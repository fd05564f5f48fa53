import math

import numpy as np


def anchor_grid(map_size, stride, sizes, ratios, *, offset=0.0, dtype=np.float32):
    boxes = []
    for row in range(map_size[0]):
        for column in range(map_size[1]):
            x, y = (column + offset) * stride[1], (row + offset) * stride[0]
            for ratio in ratios:
                for size in sizes:
                    height = math.sqrt(size * size * ratio)
                    width = size * size / height
                    boxes.append((x - width / 2, y - height / 2, x + width / 2, y + height / 2))
    return np.array(boxes, dtype).reshape(-1, 4)
