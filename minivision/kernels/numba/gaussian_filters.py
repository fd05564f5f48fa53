"""Numba kernel of a correlation along one axis of an image, vectorized over pixels."""

import numpy as np

from minivision.core.compile import jit


def correlate1d(image, weights, *, axis):
    return _correlate1d(image, weights, axis)


@jit
def _correlate1d(image, weights, axis):
    height, width, channels = image.shape
    result, radius = np.zeros_like(image), weights.size // 2
    rows, sums = image.reshape(height, width * channels), result.reshape(height, width * channels)
    if axis == 0:
        for y in range(height):
            for k in range(weights.size):
                _add(sums[y], weights[k], rows[_reflected(y + k - radius, height)])
        return result
    padded = np.empty((width + 2 * radius) * channels, image.dtype)
    for y in range(height):
        for x in range(-radius, width + radius):
            source = _reflected(x, width)
            for c in range(channels):
                padded[(x + radius) * channels + c] = image[y, source, c]
        for k in range(weights.size):
            _add(sums[y], weights[k], padded[k * channels : (k + width) * channels])
    return result


@jit
def _add(sums, weight, values):
    for x in range(sums.size):
        sums[x] += weight * values[x]


@jit
def _reflected(position, size):
    """Reflect a position outside ``0 .. size - 1`` at the borders: ... 1 0 | 0 1 2 | 2 1 0 | 0 ..."""
    position %= 2 * size
    return position if position < size else 2 * size - 1 - position
