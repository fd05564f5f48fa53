"""Numba kernels of ``roi_pool``, ``roi_align`` and ``crop_and_resize`` (R-CNN's warp), forward and backward.

Maps are stored in channel blocks (``engine/channel_blocks.py``). RoIAlign and ``crop_and_resize`` compute the same
weighted sum and differ only in their *taps*: the pixels that a bin reads along each axis, with their weights. First the
rows of the map are combined into one strip, then the columns of the strip into bins. The backward passes do the reverse
for one image and one channel block at a time, so that no two threads write to the same place and sums always have the
same order.
"""

import math

import numba
import numpy as np
from numba import prange

from minivision.core.compile import jit
from minivision.kernels.numba.engine.channel_blocks import (
    MAX_CHANNELS,
    MIN_CHANNELS,
    block_to_planes,
    channels_per_block,
    max_block_channels,
    planes_to_block,
    to_channel_blocks,
)

_at = np.uint64  # an index that is never negative


# ---- taps: the pixels that a bin reads along an axis, and their weights ----


@jit
def _add_tap(pixel, weight, pixels, weights, first, end):
    """Add a tap to those of a bin, which are ``first .. end``; return the new end.

    Samples are in order, so a pixel that is already there is one of the last two.
    """
    for t in range(max(end - 2, first), end):
        if pixels[t] == pixel:
            weights[t] += weight
            return end
    pixels[end] = pixel
    weights[end] = weight
    return end + 1


@jit
def _align_taps(start, stop, size, sampling_ratio, aligned, pixels, weights, ends):
    """Write the taps of all bins along an axis, bin by bin, with positions rounded as in the reference."""
    bins = ends.size
    number = weights.dtype.type
    length = stop - start if aligned else max(stop - start, number(1))
    bin_size = length / number(bins)
    samples = sampling_ratio if sampling_ratio > 0 else math.ceil(bin_size)
    end = 0
    for b in range(bins):
        first = end
        for s in range(samples):
            position = start + number(b) * bin_size + (number(s) + number(0.5)) * bin_size / number(samples)
            if position < -1 or position > size:
                continue
            position = min(max(position, number(0)), number(size - 1))
            lower = int(position)
            upper = min(lower + 1, size - 1)
            upper_weight = (position - number(lower)) / number(samples)
            lower_weight = (number(1) - (position - number(lower))) / number(samples)
            if bin_size > 0:
                end = _add_tap(lower, lower_weight, pixels, weights, first, end)
                end = _add_tap(upper, upper_weight, pixels, weights, first, end)
            else:  # an inverted box: samples come in descending order
                end = _add_tap(upper, upper_weight, pixels, weights, first, end)
                end = _add_tap(lower, lower_weight, pixels, weights, first, end)
        ends[b] = end


@jit
def _crop_taps(start, stop, size, pixels, weights, ends):
    """Write the taps of all output pixels along an axis, pixel by pixel."""
    bins = ends.size
    number = weights.dtype.type
    half = number(0.5)
    step = (stop - start) / number(bins)
    first, last = start + half, stop - half
    if first > last:
        first = last = (start + stop) * half
    end = 0
    for b in range(bins):
        position = min(max(start + (number(b) + half) * step, first), last) - half
        lower = math.floor(position)
        weight = position - number(lower)
        if 0 <= lower < size:
            end = _add_tap(lower, number(1) - weight, pixels, weights, end, end)
        if 0 <= lower + 1 < size:
            end = _add_tap(lower + 1, weight, pixels, weights, end, end)
        ends[b] = end


@jit
def _max_taps(roi, spatial_scale, sampling_ratio, output_size, map_size):
    """Return the largest possible number of taps of a bin: two for each sample, but at most all pixels of the axis."""
    samples = max(sampling_ratio, 1)
    if sampling_ratio < 0:
        height, width = (roi[4] - roi[2]) * spatial_scale, (roi[3] - roi[1]) * spatial_scale
        # one more than in the reference implementation, in case of different rounding
        samples = max(samples, int(height / output_size[0]) + 2, int(width / output_size[1]) + 2)
    return max(2, min(2 * samples, max(map_size)))


@jit
def _grid_taps(roi, spatial_scale, sampling_ratio, aligned, crop, output_size, map_size, channels):
    """Return the taps of the rows and of the columns of a box, and the length of its strip.

    The strip goes from the first column that is read to the last. The tap of a row is the position in a channel block
    where the strip of this row begins, the tap of a column its position in the strip.
    """
    (rows, cols), (H, W) = output_size, map_size
    max_taps = _max_taps(roi, spatial_scale, sampling_ratio, output_size, map_size)
    row_places, row_weights = np.empty(rows * max_taps, np.int64), np.empty(rows * max_taps, roi.dtype)
    col_places, col_weights = np.empty(cols * max_taps, np.int64), np.empty(cols * max_taps, roi.dtype)
    row_ends, col_ends = np.empty(rows, np.int64), np.empty(cols, np.int64)
    x1, y1 = roi[1] * spatial_scale, roi[2] * spatial_scale
    x2, y2 = roi[3] * spatial_scale, roi[4] * spatial_scale
    if crop:
        _crop_taps(y1, y2, H, row_places, row_weights, row_ends)
        _crop_taps(x1, x2, W, col_places, col_weights, col_ends)
    else:
        offset = roi.dtype.type(0.5 if aligned else 0)
        _align_taps(y1 - offset, y2 - offset, H, sampling_ratio, aligned, row_places, row_weights, row_ends)
        _align_taps(x1 - offset, x2 - offset, W, sampling_ratio, aligned, col_places, col_weights, col_ends)
    first, end = W, 0
    for t in range(col_ends[-1]):
        first, end = min(first, col_places[t]), max(end, col_places[t] + 1)
    for t in range(col_ends[-1]):
        col_places[t] = (col_places[t] - first) * channels
    for t in range(row_ends[-1]):
        row_places[t] = (row_places[t] * W + first) * channels
    return row_places, row_weights, row_ends, col_places, col_weights, col_ends, max(end - first, 0) * channels


# ---- RoIAlign and R-CNN's warp ----


def roi_align(x, rois, output_size, spatial_scale, sampling_ratio, aligned):
    return _sample_regions(x, rois, output_size, spatial_scale, sampling_ratio, aligned, False)


def crop_and_resize(x, rois, output_size, spatial_scale):
    return _sample_regions(x, rois, output_size, spatial_scale, 1, True, True)


def _sample_regions(x, rois, output_size, spatial_scale, sampling_ratio, aligned, crop):
    y = np.empty((len(rois), x.shape[1], *output_size), x.dtype)
    if y.size:
        channels = channels_per_block(x.shape[1], max_block_channels(output_size))
        settings = x.dtype.type(spatial_scale), sampling_ratio, aligned, crop
        _interpolate_bins(to_channel_blocks(x, channels), rois, settings, x.shape[2:], channels, y)
    return y


@jit(parallel=True)
def _interpolate_bins(maps, rois, settings, map_size, channels, y):
    spatial_scale, sampling_ratio, aligned, crop = settings
    K, C, rows, cols = y.shape
    planes = y.reshape(y.size)
    for k in prange(K):
        row_places, row_weights, row_ends, col_places, col_weights, col_ends, length = _grid_taps(
            rois[k], spatial_scale, sampling_ratio, aligned, crop, (rows, cols), map_size, channels
        )
        strip, bins = np.empty(length, y.dtype), np.empty(rows * cols * channels, y.dtype)
        for part in range(maps.shape[1]):
            block, row_first = maps[int(rois[k, 0]), part], 0
            for i in range(rows):
                _weighted_sum(block, row_places, row_weights, row_first, row_ends[i], strip, 0, length)
                row_first, col_first = row_ends[i], 0
                for j in range(cols):
                    cell, end = (i * cols + j) * channels, col_ends[j]
                    _weighted_sum(strip, col_places, col_weights, col_first, end, bins, cell, channels)
                    col_first = end
            start = part * channels
            block_to_planes(
                bins, channels, min(channels, C - start), planes, rows * cols, (k * C + start) * rows * cols
            )


@jit(inline="always")
def _weighted_sum(source, places, weights, first, end, target, start, length):
    """Compute target[start + c] = sum over taps t of weights[t] * source[places[t] + c], for c < length."""
    t, out, length = _at(first), _at(start), _at(length)
    if end - first < 2:
        for c in range(length):
            target[out + c] = 0
        if end > first:
            u, a = weights[t], _at(places[t])
            for c in range(length):
                target[out + c] = u * source[a + c]
        return
    # Two taps at a time, so that sums are loaded and stored less often; an odd one is added with the first two.
    u, v, a, b = weights[t], weights[t + _at(1)], _at(places[t]), _at(places[t + _at(1)])
    if (end - first) % 2 == 0:
        for c in range(length):
            target[out + c] = u * source[a + c] + v * source[b + c]
    else:
        t += _at(1)
        w, d = weights[t + _at(1)], _at(places[t + _at(1)])
        for c in range(length):
            target[out + c] = u * source[a + c] + v * source[b + c] + w * source[d + c]
    for second in range(t + _at(3), _at(end), _at(2)):
        u, v, a, b = weights[second - _at(1)], weights[second], _at(places[second - _at(1)]), _at(places[second])
        for c in range(length):
            target[out + c] += u * source[a + c] + v * source[b + c]


def roi_align_backward(dy, rois, input_shape, spatial_scale, sampling_ratio, aligned):
    return _sample_regions_backward(dy, rois, input_shape, spatial_scale, sampling_ratio, aligned, False)


def crop_and_resize_backward(dy, rois, input_shape, spatial_scale):
    return _sample_regions_backward(dy, rois, input_shape, spatial_scale, 1, True, True)


def _sample_regions_backward(dy, rois, input_shape, spatial_scale, sampling_ratio, aligned, crop):
    if dy.size == 0:
        return np.zeros(input_shape, dy.dtype)
    N, C, H, W = input_shape
    dx = np.empty(input_shape, dy.dtype)
    enough_images = N >= numba.get_num_threads()
    channels = channels_per_block(C, max_block_channels(dy.shape[2:]) if enough_images else MIN_CHANNELS)
    _scatter_bins(dy, rois, (dy.dtype.type(spatial_scale), sampling_ratio, aligned, crop), channels, dx)
    return dx


@jit(parallel=True)
def _scatter_bins(dy, rois, settings, channels, dx):
    spatial_scale, sampling_ratio, aligned, crop = settings
    (K, C, rows, cols), (N, _, H, W) = dy.shape, dx.shape
    parts = (C + channels - 1) // channels
    upstream, planes = dy.reshape(dy.size), dx.reshape(dx.size)
    for task in prange(N * parts):
        n, start = task // parts, task % parts * channels
        filled = min(channels, C - start)
        block, strip = np.zeros(H * W * channels, dy.dtype), np.empty(W * channels, dy.dtype)
        bins = np.zeros(rows * cols * channels, dy.dtype)
        for k in range(K):
            if int(rois[k, 0]) != n:
                continue
            row_places, row_weights, row_ends, col_places, col_weights, col_ends, length = _grid_taps(
                rois[k], spatial_scale, sampling_ratio, aligned, crop, (rows, cols), (H, W), channels
            )
            planes_to_block(upstream, rows * cols, (k * C + start) * rows * cols, filled, channels, bins)
            row_first = 0
            for i in range(rows):
                for c in range(_at(length)):
                    strip[c] = 0
                col_first = 0
                for j in range(cols):
                    cell, end = (i * cols + j) * channels, col_ends[j]
                    _add_weighted(bins, cell, channels, col_places, col_weights, col_first, end, strip)
                    col_first = end
                _add_weighted(strip, 0, length, row_places, row_weights, row_first, row_ends[i], block)
                row_first = row_ends[i]
        block_to_planes(block, channels, filled, planes, H * W, (n * C + start) * H * W)


@jit(inline="always")
def _add_weighted(source, start, length, places, weights, first, end, target):
    """Compute target[places[t] + c] += weights[t] * source[start + c], for all taps t and c < length."""
    for t in range(_at(first), _at(end)):
        weight, out = weights[t], _at(places[t])
        for c in range(_at(length)):
            target[out + c] += weight * source[_at(start) + c]


# ---- RoI pooling ----


@jit
def _round(value):
    """Round to the nearest integer, halves away from zero, as C's ``round``."""
    whole = math.floor(abs(value))
    whole += abs(value) - whole >= 0.5
    return whole if value >= 0 else -whole


@jit
def _bin_edges(roi, axis, spatial_scale, bins, size):
    """Return the first pixel and the end of each bin along an axis (0: x, 1: y), on the map.

    Every number has the dtype of the boxes, as in the reference: in Numba, int64 times float32 is float64.
    """
    number = roi.dtype.type
    first, last = int(_round(roi[1 + axis] * spatial_scale)), int(_round(roi[3 + axis] * spatial_scale))
    bin_size = number(max(last - first + 1, 1)) / number(bins)
    firsts, ends = np.empty(bins, np.int64), np.empty(bins, np.int64)
    for b in range(bins):
        firsts[b] = min(max(first + math.floor(number(b) * bin_size), 0), size)
        ends[b] = min(max(first + math.ceil(number(b + 1) * bin_size), 0), size)
    return firsts, ends


def roi_pool(x, rois, output_size, spatial_scale):
    y = np.empty((len(rois), x.shape[1], *output_size), x.dtype)
    argmax = np.empty(y.shape, np.int32)
    if y.size:
        channels = channels_per_block(x.shape[1], max_block_channels(output_size))
        _max_bins(to_channel_blocks(x, channels), rois, x.dtype.type(spatial_scale), x.shape[2:], channels, y, argmax)
    return y, argmax


@jit(parallel=True)
def _max_bins(maps, rois, spatial_scale, map_size, channels, y, argmax):
    (H, W), (K, C, rows, cols) = map_size, y.shape
    planes, index_planes = y.reshape(y.size), argmax.reshape(y.size)
    for k in prange(K):
        row_firsts, row_ends = _bin_edges(rois[k], 1, spatial_scale, rows, H)
        col_firsts, col_ends = _bin_edges(rois[k], 0, spatial_scale, cols, W)
        best, where = np.empty(rows * cols * channels, y.dtype), np.empty(rows * cols * channels, np.int32)
        for part in range(maps.shape[1]):
            block = maps[int(rois[k, 0]), part]
            for i in range(rows):
                for j in range(cols):
                    out = _at((i * cols + j) * channels)
                    empty = row_ends[i] <= row_firsts[i] or col_ends[j] <= col_firsts[j]
                    _start_max(block, row_firsts[i] * W + col_firsts[j], empty, channels, best, where, out)
                    for row in range(row_firsts[i], row_ends[i]):
                        for col in range(col_firsts[j], col_ends[j]):
                            _update_max(block, row * W + col, channels, best, where, out)
            start, filled = part * channels, min(channels, C - part * channels)
            block_to_planes(best, channels, filled, planes, rows * cols, (k * C + start) * rows * cols)
            block_to_planes(where, channels, filled, index_planes, rows * cols, (k * C + start) * rows * cols)


@jit(inline="always")
def _start_max(block, pixel, empty, channels, best, where, out):
    if empty:
        for c in range(_at(channels)):
            best[out + c] = 0
            where[out + c] = -1
    else:
        for c in range(_at(channels)):
            best[out + c] = block[_at(pixel * channels) + c]
            where[out + c] = pixel


@jit(inline="always")
def _update_max(block, pixel, channels, best, where, out):
    index, place = np.int32(pixel), _at(pixel * channels)
    for c in range(_at(channels)):
        value = block[place + c]
        better = (value > best[out + c]) | (value != value)
        best[out + c] = value if better else best[out + c]
        where[out + c] = index if better else where[out + c]


def roi_pool_backward(dy, rois, argmax, input_shape):
    dx = np.zeros(input_shape, dy.dtype)
    if dy.size:
        enough_images = len(dx) >= numba.get_num_threads()
        _scatter_to_argmax(
            dy, rois, argmax, channels_per_block(dx.shape[1], MAX_CHANNELS if enough_images else MIN_CHANNELS), dx
        )
    return dx


@jit(parallel=True)
def _scatter_to_argmax(dy, rois, argmax, channels, dx):
    (K, C, rows, cols), (N, _, H, W) = dy.shape, dx.shape
    parts = (C + channels - 1) // channels
    upstream, places, planes = dy.reshape(dy.size), argmax.reshape(argmax.size), dx.reshape(dx.size)
    for task in prange(N * parts):
        n, start = task // parts, task % parts * channels
        for k in range(K):
            if int(rois[k, 0]) != n:
                continue
            for c in range(start, min(start + channels, C)):
                first, plane = _at((k * C + c) * rows * cols), (n * C + c) * H * W
                for b in range(first, first + _at(rows * cols)):
                    if places[b] >= 0:
                        planes[_at(plane + places[b])] += upstream[b]
