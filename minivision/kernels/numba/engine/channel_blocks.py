"""Maps whose channels lie side by side, so that what is done to a pixel is done to many channels at once.

A *sheaf* is up to 64 channels of one image: pixel after pixel, and for each its channels. Arrays are flat here and
places in them unsigned: to cut an array out of another costs as much as copying its few numbers, and a place that
might be negative keeps the compiler from working on many numbers at once.
"""

import numpy as np
from numba import prange

from minivision.core.compile import jit

_at = np.uint64  # a place in an array

WIDE = 64  # channels, at most
NARROW = 16  # for large grids, and where there are more threads than images
_IN_CACHE = 8192  # numbers that stay in the first-level cache beside what else is read


def channels_of(C, most):
    """Return how many channels a sheaf has when C are divided into equal parts of at most `most`."""
    return -(-C // -(-C // most))


def widest(output_size):
    """Return how many channels a sheaf may have so that all bins of a region stay in the cache."""
    return min(max(_IN_CACHE // (output_size[0] * output_size[1]), NARROW), WIDE)


def sheaves(x, channels):
    """(N, C, H, W) -> (N, sheaves, H * W * channels); where the last sheaf is not full, zeros fill it."""
    N, C, H, W = x.shape
    parts = -(-C // channels)
    empty = np.empty if parts * channels == C else np.zeros
    result = empty((N, parts, H * W * channels), x.dtype)
    _bind(x, channels, result)
    return result


@jit(parallel=True)
def _bind(x, channels, result):
    (N, C, H, W), parts = x.shape, result.shape[1]
    planes = x.reshape(x.size)
    for task in prange(N * parts):
        n, part = task // parts, task % parts
        start = part * channels
        join(planes, H * W, (n * C + start) * H * W, min(channels, C - start), channels, result[n, part])


@jit
def join(planes, size, start, count, channels, result):
    """(count, size) -> (size, channels): from flat planes, of which the first begins at `start`, to a sheaf."""
    for c in range(_at(count)):
        for pixel in range(_at(size)):
            result[pixel * _at(channels) + c] = planes[_at(start) + c * _at(size) + pixel]


@jit
def separate(sheaf, channels, count, planes, size, start):
    """(size, channels) -> (count, size): the way back."""
    for c in range(_at(count)):
        for pixel in range(_at(size)):
            planes[_at(start) + c * _at(size) + pixel] = sheaf[pixel * _at(channels) + c]
