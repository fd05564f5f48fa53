"""Images from bytes to the input of a network, in one pass."""

import numba
import numpy as np

from minivision.core.compile import jit


def normalize(images, mean, scale, dtype):
    """Return ``scale * (images - mean)`` with channels first, for uint8 images ``(N, H, W, 3)``."""
    N, H, W, _ = images.shape
    x = np.empty((N, 3, H, W), dtype)
    _normalize(images.reshape(N * H, 3 * W), x.dtype.type(mean), x.dtype.type(scale), x)
    return x


@jit(parallel=True)
def _normalize(rows, mean, scale, x):
    _, _, H, W = x.shape
    for task in numba.prange(len(rows)):
        n, i = task // H, task % H
        row, red, green, blue = rows[task], x[n, 0, i], x[n, 1, i], x[n, 2, i]
        for j in range(W):  # all three at once: so whole vectors are loaded and divided
            red[j] = (row[3 * j] - mean) * scale
            green[j] = (row[3 * j + 1] - mean) * scale
            blue[j] = (row[3 * j + 2] - mean) * scale
