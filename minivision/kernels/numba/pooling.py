"""Numba kernels of max, average and global average pooling and of max unpooling, forward and backward.

Each is one pass over the maps. Images and channels are treated alike: (N, C, H, W) becomes P = N * C planes (P, H, W).
Loops run along rows that are sliced first, because only then the compiler vectorizes over columns. Both values of a
condition are loaded before it, otherwise it would become a branch.
"""

import numpy as np
from numba import prange

from minivision.core.compile import jit
from minivision.kernels.numba.engine.sums import sum_of


def _planes(array):
    """(N, C, ...) -> (N * C, ...)"""
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])


def _output_shape(x, kernel_size, stride, padding):
    size = (
        (n + before + after - k) // s + 1
        for n, k, s, (before, after) in zip(x.shape[2:], kernel_size, stride, padding, strict=True)
    )
    return *x.shape[:2], *size


@jit
def _windows_inside(k, stride, before, width, windows):
    """Return the range of windows whose k-th column is on the map, and that column of the first of them."""
    shift = k - before
    first = max(0, -(shift // stride))  # the smallest j with j * stride + shift >= 0
    stop = min(windows, (width - 1 - shift) // stride + 1) if width > shift else 0
    return first, max(first, stop), first * stride + shift


# ---- max pooling ----


def max_pool2d(x, kernel_size, stride, padding):
    y = np.empty(_output_shape(x, kernel_size, stride, padding), x.dtype)
    indices = np.empty(y.shape, np.int64)
    if kernel_size == stride == (2, 2) and padding == ((0, 0), (0, 0)):
        _max_pool_2x2(_planes(x), _planes(y), _planes(indices))
    else:
        (top, _), (left, _) = padding
        _max_pool_rows(_planes(x), kernel_size, stride, (top, left), _planes(y), _planes(indices))
    return y, indices


@jit(parallel=True)
def _max_pool_2x2(x, y, indices):
    planes, rows, cols = y.shape
    width = x.shape[2]
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        above, below = x[plane, 2 * i], x[plane, 2 * i + 1]
        out, where = y[plane, i], indices[plane, i]
        corner = 2 * i * width
        for j in range(cols):
            a, b, c, d = above[2 * j], above[2 * j + 1], below[2 * j], below[2 * j + 1]
            best, at = a, 0
            at = 1 if (b > best) | (b != b) else at
            best = b if (b > best) | (b != b) else best
            at = width if (c > best) | (c != c) else at
            best = c if (c > best) | (c != c) else best
            at = width + 1 if (d > best) | (d != d) else at
            best = d if (d > best) | (d != d) else best
            out[j] = best
            where[j] = corner + 2 * j + at


@jit(parallel=True)
def _max_pool_rows(x, kernel_size, stride, before, y, indices):
    (kh, kw), (sh, sw), (top, left) = kernel_size, stride, before
    _, height, width = x.shape
    planes, rows, cols = y.shape
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        first_row = max(i * sh - top, 0)
        best, where = y[plane, i], indices[plane, i]
        for j in range(cols):
            best[j] = -np.inf
            where[j] = first_row * width + max(j * sw - left, 0)
        # All windows of this row at a time: compare the same pixel of each window with its maximum so far.
        for row in range(first_row, min(i * sh - top + kh, height)):
            for k in range(kw):
                first, stop, column = _windows_inside(k, sw, left, width, cols)
                _keep_larger(x[plane, row, column:], sw, best[first:stop], where[first:stop], row * width + column)


@jit
def _keep_larger(values, step, best, where, first_index):
    if step == 1:
        for j in range(best.size):
            v = values[j]
            better = (v > best[j]) | (v != v)
            best[j] = v if better else best[j]
            where[j] = first_index + j if better else where[j]
    elif step == 2:
        for j in range(best.size):
            v = values[2 * j]
            better = (v > best[j]) | (v != v)
            best[j] = v if better else best[j]
            where[j] = first_index + 2 * j if better else where[j]
    else:
        for j in range(best.size):
            v = values[step * j]
            if v > best[j] or v != v:
                best[j] = v
                where[j] = first_index + step * j


# ---- max pooling backward and max unpooling: values at the positions of the maxima ----


def max_pool2d_backward(dy, indices, input_size):
    return _scatter(dy, indices, input_size)


def max_unpool2d(x, indices, output_size):
    return _scatter(x, indices, output_size)


def max_unpool2d_backward(dy, indices):
    dx = np.empty(indices.shape, dy.dtype)
    planes = dy.shape[0] * dy.shape[1]
    _gather_planes(dy.reshape(planes, dy.shape[2] * dy.shape[3]), _planes(indices), _planes(dx))
    return dx


def _scatter(values, indices, size):
    """Add each value at its index in a plane of zeros of the given size."""
    result = np.empty((*values.shape[:2], *size), values.dtype)
    _scatter_planes(_planes(values), _planes(indices), _planes(result))
    return result


@jit(parallel=True)
def _scatter_planes(values, indices, result):
    planes, rows, cols = values.shape
    height, width = result.shape[1:]
    halved = height == 2 * rows and width == 2 * cols
    for plane in prange(planes):
        if halved and _scatter_2x2(values[plane], indices[plane], result[plane]):
            continue
        flat = result[plane].reshape(height * width)
        flat[:] = 0
        for i in range(rows):
            row, where = values[plane, i], indices[plane, i]
            for j in range(cols):
                flat[np.uint64(where[j])] += row[j]


@jit
def _scatter_2x2(values, indices, result):
    """Fill one plane, assuming that each index is in its own 2 x 2 window; return whether that is true."""
    outside = 0
    corner = 0  # the flat index of the upper left pixel of the first window in a row of windows
    width = result.shape[1]
    for i in range(values.shape[0]):
        outside += _scatter_row(values[i], indices[i], corner, width, result[2 * i])
        _scatter_row(values[i], indices[i], corner + width, width, result[2 * i + 1])
        corner += 2 * width
    return outside == 0


@jit
def _scatter_row(values, indices, first, width, out):
    """Fill the row that starts at flat index `first`; count the indices outside their windows."""
    zero = values.dtype.type(0)
    outside = 0
    for j in range(values.size):
        v = values[j]
        at = indices[j] - (first + 2 * j)
        left, right = v if at == 0 else zero, v if at == 1 else zero
        out[2 * j] = left
        out[2 * j + 1] = right
        outside += (at != 0) & (at != 1) & (at != width) & (at != width + 1)
    return outside


@jit(parallel=True)
def _gather_planes(flat, indices, result):
    planes, rows, cols = result.shape
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        values, where, out = flat[plane], indices[plane, i], result[plane, i]
        for j in range(cols):
            out[j] = values[np.uint64(where[j])]


# ---- average pooling ----


def avg_pool2d(x, kernel_size, stride, padding):
    y = np.empty(_output_shape(x, kernel_size, stride, padding), x.dtype)
    area = x.dtype.type(kernel_size[0] * kernel_size[1])
    if kernel_size == stride == (2, 2) and padding == ((0, 0), (0, 0)):
        _avg_pool_2x2(_planes(x), _planes(y))
    else:
        (top, _), (left, _) = padding
        _avg_pool_rows(_planes(x), kernel_size, stride, (top, left), area, _planes(y))
    return y


@jit(parallel=True)
def _avg_pool_2x2(x, y):
    planes, rows, cols = y.shape
    quarter = x.dtype.type(0.25)
    for task in prange(planes * rows):
        plane, i = task // rows, task % rows
        above, below, out = x[plane, 2 * i], x[plane, 2 * i + 1], y[plane, i]
        for j in range(cols):
            out[j] = (above[2 * j] + above[2 * j + 1] + below[2 * j] + below[2 * j + 1]) * quarter


@jit(parallel=True)
def _avg_pool_rows(x, kernel_size, stride, before, area, y):
    (kh, kw), (sh, sw), (top, left) = kernel_size, stride, before
    planes, height, width = x.shape
    rows, cols = y.shape[1:]
    for plane in prange(planes):
        column_sums = np.empty(width, x.dtype)
        for i in range(rows):
            # First vertically: the sum of each column over the rows of the windows.
            column_sums[:] = 0
            for row in range(max(i * sh - top, 0), min(i * sh - top + kh, height)):
                _add_strided(x[plane, row], 1, column_sums)
            # Then horizontally, for all windows of this row at a time: add column k of each window.
            total = y[plane, i]
            total[:] = 0
            for k in range(kw):
                first, stop, column = _windows_inside(k, sw, left, width, cols)
                _add_strided(column_sums[column:], sw, total[first:stop])
            for j in range(cols):
                total[j] /= area


@jit
def _add_strided(values, step, total):
    if step == 1:
        for j in range(total.size):
            total[j] += values[j]
    elif step == 2:
        for j in range(total.size):
            total[j] += values[2 * j]
    else:
        for j in range(total.size):
            total[j] += values[step * j]


def avg_pool2d_backward(dy, input_size, kernel_size, stride, padding):
    dx = np.empty((*dy.shape[:2], *input_size), dy.dtype)
    area = dy.dtype.type(kernel_size[0] * kernel_size[1])
    (top, _), (left, _) = padding
    _avg_pool_rows_backward(_planes(dy), kernel_size, stride, (top, left), area, _planes(dx))
    return dx


@jit(parallel=True)
def _avg_pool_rows_backward(dy, kernel_size, stride, before, area, dx):
    (kh, kw), (sh, sw), (top, left) = kernel_size, stride, before
    _, height, width = dx.shape
    planes, rows, cols = dy.shape
    for plane in prange(planes):
        dx[plane] = 0
        share, column_shares = np.empty(cols, dy.dtype), np.empty(width, dy.dtype)
        for i in range(rows):
            for j in range(cols):
                share[j] = dy[plane, i, j] / area
            # Horizontally: the gradient of each column from all windows of this row. It is the same for every row of
            # the windows.
            column_shares[:] = 0
            for k in range(kw):
                first, stop, column = _windows_inside(k, sw, left, width, cols)
                _add_to_strided(share[first:stop], sw, column_shares[column:])
            for row in range(max(i * sh - top, 0), min(i * sh - top + kh, height)):
                _add_strided(column_shares, 1, dx[plane, row])


@jit
def _add_to_strided(values, step, total):
    if step == 1:
        for j in range(values.size):
            total[j] += values[j]
    elif step == 2:
        for j in range(values.size):
            total[2 * j] += values[j]
    else:
        for j in range(values.size):
            total[step * j] += values[j]


def global_avg_pool2d(x):
    y = np.empty(x.shape[:2], x.dtype)
    _mean_of_planes(_planes(x), _planes(y))
    return y


@jit(parallel=True)
def _mean_of_planes(x, y):
    planes, height, width = x.shape
    for plane in prange(planes):
        total = 0.0  # float64, so that large maps lose no digits
        for i in range(height):
            total += sum_of(x[plane, i])
        y[plane] = total / (height * width)


def global_avg_pool2d_backward(dy, input_size):
    dx = np.empty((*dy.shape, *input_size), dy.dtype)
    _fill_planes(_planes(dy) / dy.dtype.type(input_size[0] * input_size[1]), _planes(dx))
    return dx


@jit(parallel=True)
def _fill_planes(values, dx):
    for plane in prange(values.size):
        dx[plane] = values[plane]
