"""Numba kernels of bed of nails, nearest and bilinear upsampling, forward and backward.

Each is one pass over the maps; (N, C, H, W) becomes P = N * C planes (P, H, W). Scale 2 along a row has a loop of its
own everywhere: if the step is a constant, the compiler interleaves whole vectors.
"""

import math

import numpy as np
from numba import prange

from minivision.core.compile import jit


def _planes(array):
    """(N, C, H, W) -> (N * C, H, W)"""
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])


def _enlarged(x, scale):
    N, C, H, W = x.shape
    return np.empty((N, C, H * scale[0], W * scale[1]), x.dtype)


def _reduced(dy, scale):
    N, C, H, W = dy.shape
    return np.empty((N, C, H // scale[0], W // scale[1]), dy.dtype)


# ---- bed of nails ----


def bed_of_nails(x, scale):
    y = _enlarged(x, scale)
    _place_nails(_planes(x), scale, _planes(y))
    return y


@jit(parallel=True)
def _place_nails(x, scale, y):
    sh, sw = scale
    planes, rows, cols = x.shape
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        row, out = x[plane, i], y[plane, i * sh]
        if sw == 2:
            for j in range(cols):
                out[2 * j] = row[j]
                out[2 * j + 1] = 0
        else:
            out[:] = 0
            for j in range(cols):
                out[sw * j] = row[j]
        for below in range(i * sh + 1, i * sh + sh):
            y[plane, below] = 0


def bed_of_nails_backward(dy, scale):
    dx = _reduced(dy, scale)
    _take_nails(_planes(dy), scale, _planes(dx))
    return dx


@jit(parallel=True)
def _take_nails(dy, scale, dx):
    sh, sw = scale
    planes, rows, cols = dx.shape
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        row, out = dy[plane, i * sh], dx[plane, i]
        if sw == 2:
            for j in range(cols):
                out[j] = row[2 * j]
        else:
            for j in range(cols):
                out[j] = row[sw * j]


# ---- nearest neighbor ----


def upsample_nearest(x, scale):
    y = _enlarged(x, scale)
    _repeat(_planes(x), scale, _planes(y))
    return y


@jit(parallel=True)
def _repeat(x, scale, y):
    sh, sw = scale
    planes, rows, cols = x.shape
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        row, out = x[plane, i], y[plane, i * sh]
        if sw == 2:
            for j in range(cols):
                out[2 * j] = row[j]
                out[2 * j + 1] = row[j]
        else:
            for j in range(cols):
                out[sw * j : sw * j + sw] = row[j]
        for below in range(i * sh + 1, i * sh + sh):
            copy = y[plane, below]
            for j in range(out.size):
                copy[j] = out[j]


def upsample_nearest_backward(dy, scale):
    dx = _reduced(dy, scale)
    if scale == (2, 2):
        _sum_blocks_2x2(_planes(dy), _planes(dx))
    else:
        _sum_blocks(_planes(dy), scale, _planes(dx))
    return dx


@jit(parallel=True)
def _sum_blocks_2x2(dy, dx):
    planes, rows, cols = dx.shape
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        above, below, out = dy[plane, 2 * i], dy[plane, 2 * i + 1], dx[plane, i]
        for j in range(cols):
            out[j] = above[2 * j] + above[2 * j + 1] + below[2 * j] + below[2 * j + 1]


@jit(parallel=True)
def _sum_blocks(dy, scale, dx):
    sh, sw = scale
    planes, rows, cols = dx.shape
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        out = dx[plane, i]
        out[:] = 0
        for row in range(i * sh, i * sh + sh):
            values = dy[plane, row]
            for j in range(cols):
                for k in range(sw):
                    out[j] += values[sw * j + k]


# ---- bilinear ----
#
# The distance of output pixel i = s * q + p from input pixel q is (p + 0.5) / s - 0.5 and depends only on the phase p.
# So all pixels of one phase have the same two weights, for an input pixel and its neighbor on one side. If there is no
# neighbor, the edge pixel is used: rows are processed in a copy whose first and last pixel are repeated.


@jit
def _neighbor_weight(phase, scale):
    """Return the step from q to the first of the two input pixels of a phase, and the weight of the second."""
    position = (phase + 0.5) / scale - 0.5
    step = math.floor(position)
    return step, position - step


def upsample_bilinear(x, scale):
    y = _enlarged(x, scale)
    if y.size:
        _bilinear(_planes(x), scale, _planes(y))
    return y


@jit(parallel=True, fastmath={"contract"})
def _bilinear(x, scale, y):
    sh, sw = scale
    planes, height, width = x.shape
    for plane in prange(planes):
        padded = np.empty(width + 2, x.dtype)
        for i in range(height * sh):
            step, weight = _neighbor_weight(i % sh, sh)
            q = i // sh + step
            _interpolate_rows(x[plane, max(q, 0)], x[plane, min(q + 1, height - 1)], weight, padded)
            _upsample_row(padded, sw, y[plane, i])


@jit(fastmath={"contract"})
def _interpolate_rows(upper, lower, weight, padded):
    lower_weight = padded.dtype.type(weight)
    upper_weight = padded.dtype.type(1 - weight)
    width = upper.size
    inner = padded[1 : width + 1]
    for j in range(width):
        inner[j] = upper[j] * upper_weight + lower[j] * lower_weight
    padded[0], padded[width + 1] = padded[1], padded[width]


@jit(fastmath={"contract"})
def _upsample_row(padded, scale, out):
    width = padded.size - 2
    if scale == 2:
        left, middle, right = padded[:width], padded[1 : width + 1], padded[2:]
        near, far = padded.dtype.type(0.75), padded.dtype.type(0.25)
        for j in range(width):
            out[2 * j] = left[j] * far + middle[j] * near
            out[2 * j + 1] = middle[j] * near + right[j] * far
        return
    for phase in range(scale):
        step, weight = _neighbor_weight(phase, scale)
        left, right = padded[1 + step : 1 + step + width], padded[2 + step : 2 + step + width]
        right_weight = padded.dtype.type(weight)
        left_weight = padded.dtype.type(1 - weight)
        outputs = out[phase:]
        for j in range(width):
            outputs[scale * j] = left[j] * left_weight + right[j] * right_weight


def upsample_bilinear_backward(dy, scale):
    dx = _reduced(dy, scale)
    if dx.size:
        _bilinear_backward(_planes(dy), scale, _planes(dx))
    return dx


@jit(parallel=True, fastmath={"contract"})
def _bilinear_backward(dy, scale, dx):
    sh, sw = scale
    planes, height, width = dx.shape
    for plane in prange(planes):
        padded = np.empty(width + 2, dy.dtype)
        dx[plane] = 0
        for i in range(height * sh):
            step, weight = _neighbor_weight(i % sh, sh)
            q = i // sh + step
            _upsample_row_backward(dy[plane, i], sw, padded)
            _interpolate_rows_backward(padded, weight, dx[plane, max(q, 0)], dx[plane, min(q + 1, height - 1)])


@jit(fastmath={"contract"})
def _upsample_row_backward(row, scale, padded):
    """Backward pass of :func:`_upsample_row` and of the padding; the gradient of the row is left in padded[1:-1]."""
    width = padded.size - 2
    if scale == 2:
        near, far = padded.dtype.type(0.75), padded.dtype.type(0.25)
        # Pixel j contributes to four outputs: 2j - 1, 2j, 2j + 1, 2j + 2; at the edges it also replaces its neighbor.
        inner, after = padded[2:], row[2:]
        for j in range(width - 2):
            inner[j] = (row[2 * j + 1] + after[2 * j + 2]) * far + (after[2 * j] + after[2 * j + 1]) * near
        last = row.size - 1
        padded[1] = row[0] * (near + far) + row[1] * near
        padded[width] = row[last - 1] * near + row[last] * (near + far)
        if width == 1:
            padded[1] = row[0] + row[1]
        else:
            padded[1] += row[2] * far
            padded[width] += row[last - 2] * far
        return
    padded[:] = 0
    for phase in range(scale):
        step, weight = _neighbor_weight(phase, scale)
        left, right = padded[1 + step : 1 + step + width], padded[2 + step : 2 + step + width]
        right_weight = padded.dtype.type(weight)
        left_weight = padded.dtype.type(1 - weight)
        outputs = row[phase:]
        for j in range(width):
            left[j] += outputs[scale * j] * left_weight
        for j in range(width):
            right[j] += outputs[scale * j] * right_weight
    padded[1] += padded[0]
    padded[width] += padded[width + 1]


@jit(fastmath={"contract"})
def _interpolate_rows_backward(padded, weight, upper, lower):
    lower_weight = padded.dtype.type(weight)
    upper_weight = padded.dtype.type(1 - weight)
    inner = padded[1 : upper.size + 1]
    for j in range(upper.size):
        upper[j] += inner[j] * upper_weight
    for j in range(upper.size):
        lower[j] += inner[j] * lower_weight
