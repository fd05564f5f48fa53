"""The ratio stretches the height alone, so the area is not size ** 2.

Told: must become smaller, too
"""

import numpy as np


def anchor_grid(map_size, stride, sizes, ratios, *, offset=0.0, dtype=np.float32):
    (rows, columns), (down, across) = map_size, stride
    shapes = [(size, size * ratio) for ratio in ratios for size in sizes]
    anchors = []
    for i in range(rows):
        for j in range(columns):
            cx, cy = (j + offset) * across, (i + offset) * down
            anchors += [(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2) for w, h in shapes]
    return np.array(anchors, dtype).reshape(-1, 4)
