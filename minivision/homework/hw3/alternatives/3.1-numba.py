import numba
import numpy as np


def anchor_grid(map_size, stride, sizes, ratios, *, offset=0.0, dtype=np.float32):
    result = np.empty((map_size[0] * map_size[1] * len(sizes) * len(ratios), 4))
    _fill(map_size, stride, np.array(sizes), np.array(ratios), offset, result)
    return result.astype(dtype)


@numba.njit
def _fill(map_size, stride, sizes, ratios, offset, result):
    k = 0
    for row in range(map_size[0]):
        for column in range(map_size[1]):
            for ratio in ratios:
                for size in sizes:
                    x, y = (column + offset) * stride[1], (row + offset) * stride[0]
                    w, h = size * ratio**-0.5, size * ratio**0.5
                    result[k] = x - w / 2, y - h / 2, x + w / 2, y + h / 2
                    k += 1
