"""Convolutions with filters of 1 x 1 and stride 1: for each image a product of two matrices.

A filter (F, C) times an image (C, pixels): no window has to be laid out, so nothing is copied but panels of pixels.
"""

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.matrix_product import (
    Operand,
    make_buffers,
    multiply_part,
    part,
    parts_of_threads,
)
from minivision.kernels.numba.engine.vectors import ROWS, VECTORS, lanes_of


def correlate_1x1(x, w, b, *, transposed=False):
    """Return ``w @ x[n] + b`` for each image; `w` is (F, C, 1, 1), or (C, F, 1, 1) if `transposed`."""
    F = w.shape[1] if transposed else w.shape[0]
    y = np.empty((x.shape[0], F, *x.shape[2:]), x.dtype)
    bias = np.zeros(-(-F // ROWS) * ROWS, x.dtype)
    if b is not None:
        bias[:F] = b
    if y.size:
        _correlate_1x1(x, w, transposed, bias, y, lanes_of(x.dtype), numba.get_num_threads())
    return y


@jit(parallel=True)
def _correlate_1x1(x, w, transposed, bias, y, lanes, threads):
    N, C, F = x.shape[0], x.shape[1], y.shape[1]
    pixels = x.shape[2] * x.shape[3]
    across = (pixels + VECTORS * lanes - 1) // (VECTORS * lanes)  # panels of an image
    filters = Operand(0, w.shape[1], transposed)
    for thread in numba.prange(threads):
        buffers = make_buffers(F, pixels, C, lanes, x)
        first, last = part(thread, threads, N * across)
        while first < last:  # the panels of this thread, image by image
            n, column = first // across, first % across
            stop = min(across, column + last - first)
            multiply_part(
                w.reshape(w.size), filters, x.reshape(x.size), Operand(n * C * pixels, pixels, False),
                y.reshape(y.size), Operand(n * F * pixels, pixels, False),
                (F, pixels, C), (0, (F + ROWS - 1) // ROWS), (column, stop), bias, False, buffers, lanes,
            )  # fmt: skip
            first += stop - column


def filter_gradient_1x1(x, dy):
    """Return the gradient (F, C, 1, 1) of the filters: the sum over images of ``dy[n] @ x[n].T``."""
    dw = np.empty((dy.shape[1], x.shape[1], 1, 1), x.dtype)
    if x.size == 0 or dy.size == 0:
        dw[...] = 0
    else:
        _filter_gradient_1x1(x, dy, dw, lanes_of(x.dtype), numba.get_num_threads())
    return dw


@jit(parallel=True)
def _filter_gradient_1x1(x, dy, dw, lanes, threads):
    N, C, F = x.shape[0], x.shape[1], dy.shape[1]
    pixels = x.shape[2] * x.shape[3]
    row_parts, column_parts = parts_of_threads(F, C, lanes, threads)
    no_bias = np.zeros((F + ROWS - 1) // ROWS * ROWS, x.dtype)
    for thread in numba.prange(threads):
        buffers = make_buffers(F, C, pixels, lanes, x)
        rows = part(thread % row_parts, row_parts, (F + ROWS - 1) // ROWS)
        columns = part(thread % column_parts, column_parts, (C + VECTORS * lanes - 1) // (VECTORS * lanes))
        for n in range(N):
            multiply_part(
                dy.reshape(dy.size), Operand(n * F * pixels, pixels, False),
                x.reshape(x.size), Operand(n * C * pixels, pixels, True),
                dw.reshape(dw.size), Operand(0, C, False),
                (F, C, pixels), rows, columns, no_bias, n > 0, buffers, lanes,
            )  # fmt: skip
