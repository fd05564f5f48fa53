"""The offset is added to y, but not to x.

Told: right but for x1, x2
"""

import numpy as np


def anchor_grid(map_size, stride, sizes, ratios, *, offset=0.0, dtype=np.float32):
    (rows, columns), (down, across) = map_size, stride
    anchors = []
    for i in range(rows):
        for j in range(columns):
            cy, cx = (i + offset) * down, j * across
            for ratio in ratios:
                for size in sizes:
                    w, h = size / ratio**0.5, size * ratio**0.5
                    anchors.append((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2))
    return np.array(anchors, dtype).reshape(-1, 4)
