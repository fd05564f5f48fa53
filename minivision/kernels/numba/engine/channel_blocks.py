"""Maps in channel blocks: the channels of a pixel are next to each other, so that one vector holds several channels.

A *channel block* holds up to 64 channels of one image, in the order (H, W, channels). Arrays are flat here, because a
slice costs as much as copying its few numbers, and indices are unsigned, because possibly negative indices keep the
compiler from using vector instructions.
"""

import numpy as np
from numba import prange

from minivision.core.compile import jit

_at = np.uint64  # an index that is never negative

MAX_CHANNELS = 64  # of a block
MIN_CHANNELS = 16  # of a block, for large grids, and if there are more threads than images
_IN_CACHE = 8192  # numbers of a block's bins that fit the first-level cache together with the input


def channels_per_block(C, max_channels):
    """Return the channels of a block if C are divided equally into blocks of at most `max_channels`."""
    return -(-C // -(-C // max_channels))


def max_block_channels(output_size):
    """Return how many channels a block may have so that all bins of a region fit the cache."""
    return min(max(_IN_CACHE // (output_size[0] * output_size[1]), MIN_CHANNELS), MAX_CHANNELS)


def to_channel_blocks(x, channels):
    """(N, C, H, W) -> (N, blocks, H * W * channels); the last block is filled up with zeros."""
    N, C, H, W = x.shape
    parts = -(-C // channels)
    empty = np.empty if parts * channels == C else np.zeros
    result = empty((N, parts, H * W * channels), x.dtype)
    _fill_blocks(x, channels, result)
    return result


@jit(parallel=True)
def _fill_blocks(x, channels, result):
    (N, C, H, W), parts = x.shape, result.shape[1]
    planes = x.reshape(x.size)
    for task in prange(N * parts):
        n, part = task // parts, task % parts
        start = part * channels
        planes_to_block(planes, H * W, (n * C + start) * H * W, min(channels, C - start), channels, result[n, part])


@jit
def planes_to_block(planes, size, start, count, channels, result):
    """(count, size) -> (size, channels): flat planes, the first of which begins at `start`, to a channel block."""
    for c in range(_at(count)):
        for pixel in range(_at(size)):
            result[pixel * _at(channels) + c] = planes[_at(start) + c * _at(size) + pixel]


@jit
def block_to_planes(block, channels, count, planes, size, start):
    """(size, channels) -> (count, size): inverse of :func:`planes_to_block`."""
    for c in range(_at(count)):
        for pixel in range(_at(size)):
            planes[_at(start) + c * _at(size) + pixel] = block[pixel * _at(channels) + c]
