"""Upsampling by fixed rules, in one pass; (N, C, H, W) is taken as P = N * C planes (P, H, W).

Scale 2 along a row has a loop of its own everywhere: with the step known, the compiler interleaves whole
vectors.
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
    _nail(_planes(x), scale, _planes(y))
    return y


@jit(parallel=True)
def _nail(x, scale, y):
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


# ---- nearest neighbour ----


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
# Output pixel i = s * q + p lies (p + 0.5) / s - 0.5 beside input pixel q, and that depends on the phase p
# alone. So all pixels of one phase are the same blend of a pixel and its neighbour on one side. Where there
# is no neighbour, the edge pixel stands in: a row is worked on in a copy with its first and last pixel
# repeated.


@jit
def _blend(phase, scale):
    """Where pixels of this phase lie: the step from q to the first of the two, and the second's share."""
    position = (phase + 0.5) / scale - 0.5
    step = math.floor(position)
    return step, position - step


def upsample_bilinear(x, scale):
    y = _enlarged(x, scale)
    if y.size:
        _blend_planes(_planes(x), scale, _planes(y))
    return y


@jit(parallel=True, fastmath={"contract"})
def _blend_planes(x, scale, y):
    sh, sw = scale
    planes, height, width = x.shape
    for plane in prange(planes):
        padded = np.empty(width + 2, x.dtype)
        for i in range(height * sh):
            step, share = _blend(i % sh, sh)
            q = i // sh + step
            _blend_rows(x[plane, max(q, 0)], x[plane, min(q + 1, height - 1)], share, padded)
            _widen(padded, sw, y[plane, i])


@jit(fastmath={"contract"})
def _blend_rows(upper, lower, share, padded):
    lower_share = padded.dtype.type(share)
    upper_share = padded.dtype.type(1 - share)
    width = upper.size
    inner = padded[1 : width + 1]
    for j in range(width):
        inner[j] = upper[j] * upper_share + lower[j] * lower_share
    padded[0], padded[width + 1] = padded[1], padded[width]


@jit(fastmath={"contract"})
def _widen(padded, scale, out):
    width = padded.size - 2
    if scale == 2:
        left, middle, right = padded[:width], padded[1 : width + 1], padded[2:]
        near, far = padded.dtype.type(0.75), padded.dtype.type(0.25)
        for j in range(width):
            out[2 * j] = left[j] * far + middle[j] * near
            out[2 * j + 1] = middle[j] * near + right[j] * far
        return
    for phase in range(scale):
        step, share = _blend(phase, scale)
        left, right = padded[1 + step : 1 + step + width], padded[2 + step : 2 + step + width]
        right_share = padded.dtype.type(share)
        left_share = padded.dtype.type(1 - share)
        outputs = out[phase:]
        for j in range(width):
            outputs[scale * j] = left[j] * left_share + right[j] * right_share


def upsample_bilinear_backward(dy, scale):
    dx = _reduced(dy, scale)
    if dx.size:
        _unblend_planes(_planes(dy), scale, _planes(dx))
    return dx


@jit(parallel=True, fastmath={"contract"})
def _unblend_planes(dy, scale, dx):
    sh, sw = scale
    planes, height, width = dx.shape
    for plane in prange(planes):
        padded = np.empty(width + 2, dy.dtype)
        dx[plane] = 0
        for i in range(height * sh):
            step, share = _blend(i % sh, sh)
            q = i // sh + step
            _narrow(dy[plane, i], sw, padded)
            _share_rows(padded, share, dx[plane, max(q, 0)], dx[plane, min(q + 1, height - 1)])


@jit(fastmath={"contract"})
def _narrow(row, scale, padded):
    """The way back of _widen and of the padding: what belongs to each pixel is left in padded[1:-1]."""
    width = padded.size - 2
    if scale == 2:
        near, far = padded.dtype.type(0.75), padded.dtype.type(0.25)
        # Pixel j has part in four outputs: 2j - 1, 2j, 2j + 1, 2j + 2; at the edges the outermost counts
        # twice.
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
        step, share = _blend(phase, scale)
        left, right = padded[1 + step : 1 + step + width], padded[2 + step : 2 + step + width]
        right_share = padded.dtype.type(share)
        left_share = padded.dtype.type(1 - share)
        outputs = row[phase:]
        for j in range(width):
            left[j] += outputs[scale * j] * left_share
        for j in range(width):
            right[j] += outputs[scale * j] * right_share
    padded[1] += padded[0]
    padded[width] += padded[width + 1]


@jit(fastmath={"contract"})
def _share_rows(padded, share, upper, lower):
    lower_share = padded.dtype.type(share)
    upper_share = padded.dtype.type(1 - share)
    inner = padded[1 : upper.size + 1]
    for j in range(upper.size):
        upper[j] += inner[j] * upper_share
    for j in range(upper.size):
        lower[j] += inner[j] * lower_share
