"""The product of two matrices, in blocks that stay in the caches: after Goto and van de Geijn, without their assembler.

The register tile needs, for each step along the sum, ROWS numbers of a column of `a` and three vectors of a row of `b`.
So blocks of both are copied ("packed") into the order in which it reads them: a block of `a`, panels of ROWS rows,
fits the second-level cache, and a panel of `b`, three vectors of columns, the first. DEPTH steps of the sum are done at
a time; each panel of `b` is used for all rows of the block of `a`, and the block of `a` for all columns.

References
----------
Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM Transactions on Mathematical Software
34, 2008.
"""

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.register_tile import (
    ROWS,
    VECTORS,
    add_rows_1,
    add_rows_2,
    add_rows_3,
    copy_run,
    lanes_of,
    multiply_rows_1,
    multiply_rows_2,
    multiply_rows_3,
    transpose_tile,
)

DEPTH = 160  # steps of the sum: a panel of b is 30 KB with three vectors of 64 bytes
PANELS = 64  # of rows in a block of a: 320 KB with 8 rows of float32
FEW_PANELS = 4  # of rows: for so few, packing b would cost more than it saves


def matrix_product(a, b, bias=None, *, a_transposed=False, b_transposed=False):
    """Return ``a @ b + bias``, where `a` and `b` may be given transposed; all arrays have one dtype and C order."""
    I, K = a.shape[::-1] if a_transposed else a.shape
    J = b.shape[0] if b_transposed else b.shape[1]
    result = np.empty((I, J), a.dtype)
    if bias is not None or K == 0:
        result[...] = 0 if bias is None else bias
    if result.size and K:
        lanes, threads = lanes_of(a.dtype), numba.get_num_threads()
        _add_product(a, b, result, K, bias is not None, a_transposed, b_transposed, lanes, threads)
    return result


@jit(parallel=True)
def _add_product(a, b, result, K, has_start, a_transposed, b_transposed, lanes, threads):
    """Compute the product, and add it to what the result has (`has_start`) or write it."""
    I, J = result.shape
    width = VECTORS * lanes
    across, down = (J + width - 1) // width, (I + ROWS - 1) // ROWS
    # Each thread takes a part of the rows, or of the columns if there are more of them.
    row_parts, column_parts = (threads, 1) if down >= across else (1, threads)
    panels = min(PANELS, (down + row_parts - 1) // row_parts)
    in_place = not b_transposed and down <= FEW_PANELS
    for thread in numba.prange(threads):
        block_of_a = np.empty(panels * ROWS * DEPTH, a.dtype)
        panel_of_b = np.empty(DEPTH * width, b.dtype)
        steps, steps_in_place = np.arange(DEPTH) * width, np.arange(DEPTH) * J
        tile, zeros = np.zeros(ROWS * width, b.dtype), np.zeros(ROWS, b.dtype)
        numbers, numbers_of_b = result.reshape(result.size), b.reshape(b.size)
        row_part, column_part = thread % row_parts, thread % column_parts
        top, bottom = row_part * down // row_parts, (row_part + 1) * down // row_parts
        first_column, last_column = column_part * across // column_parts, (column_part + 1) * across // column_parts
        for block in range(top, bottom, panels):
            panels_here = min(panels, bottom - block)
            for first in range(0, K, DEPTH):
                depth = min(DEPTH, K - first)
                begins = first == 0 and not has_start
                for panel in range(panels_here):
                    row = (block + panel) * ROWS
                    _pack_rows(a, a_transposed, row, min(ROWS, I - row), first, depth, block_of_a, panel * ROWS * depth)
                for column in range(first_column, last_column):
                    left = column * width
                    count = min(width, J - left)
                    source, begin, offsets = numbers_of_b, first * J + left, steps_in_place
                    if not in_place or count < width:
                        _pack_columns(b, b_transposed, first, depth, left, count, panel_of_b, width)
                        source, begin, offsets = panel_of_b, 0, steps
                    for panel in range(panels_here):
                        row = (block + panel) * ROWS
                        rows, start = min(ROWS, I - row), panel * ROWS * depth
                        is_whole = rows == ROWS and count == width
                        target, place, stride = (numbers, row * J + left, J) if is_whole else (tile, 0, width)
                        if not is_whole and not begins:
                            for r in range(rows):
                                copy_run(numbers, (row + r) * J + left, tile, r * width, count)
                        operands = source, begin, offsets, depth, block_of_a, start
                        if begins:
                            _write_tile(operands, zeros, target, place, stride, count, lanes)
                        else:
                            _add_tile(operands, target, place, stride, count, lanes)
                        if not is_whole:
                            for r in range(rows):
                                copy_run(tile, r * width, numbers, (row + r) * J + left, count)


@jit
def _write_tile(operands, zeros, target, place, stride, count, lanes):
    """Write the products of a panel of `a` and a panel of `b` of `count` columns, in as many vectors as they need."""
    source, begin, offsets, depth, block, start = operands
    if count > 2 * lanes:
        multiply_rows_3(source, begin, offsets, depth, block, start, zeros, 0, target, place, stride)
    elif count > lanes:
        multiply_rows_2(source, begin, offsets, depth, block, start, zeros, 0, target, place, stride)
    else:
        multiply_rows_1(source, begin, offsets, depth, block, start, zeros, 0, target, place, stride)


@jit
def _add_tile(operands, target, place, stride, count, lanes):
    """Add them to what is there."""
    source, begin, offsets, depth, block, start = operands
    if count > 2 * lanes:
        add_rows_3(source, begin, offsets, depth, block, start, target, place, stride)
    elif count > lanes:
        add_rows_2(source, begin, offsets, depth, block, start, target, place, stride)
    else:
        add_rows_1(source, begin, offsets, depth, block, start, target, place, stride)


@jit
def _pack_rows(a, transposed, row, rows, first, depth, packed, start):
    """Copy `depth` columns of `rows` rows of `a` into the order of the tile; rows that are missing become zeros."""
    numbers = a.reshape(a.size)
    length = a.shape[1]
    if rows < ROWS:
        packed[start : start + ROWS * depth] = 0
    if transposed and rows == ROWS:
        for k in range(depth):
            copy_run(numbers, (first + k) * length + row, packed, start + k * ROWS, ROWS)
    elif transposed:
        for k in range(depth):
            copy_run(numbers, (first + k) * length + row, packed, start + k * ROWS, rows)
    else:
        _copy_transposed(numbers, row * length + first, length, rows, depth, packed, start, ROWS)


@jit
def _pack_columns(b, transposed, first, depth, left, count, packed, width):
    """Copy `count` columns of `depth` rows of `b`, row by row; columns that are missing become zeros."""
    numbers = b.reshape(b.size)
    length = b.shape[1]
    if count < width:
        packed[: depth * width] = 0
    if transposed:
        _copy_transposed(numbers, left * length + first, length, count, depth, packed, 0, width)
    else:
        for k in range(depth):
            copy_run(numbers, (first + k) * length + left, packed, k * width, count)


@jit
def _copy_transposed(x, x_start, x_stride, rows, columns, y, y_start, y_stride):
    """Set ``y[y_start + k * y_stride + r] = x[x_start + r * x_stride + k]`` for r < rows and k < columns."""
    whole_rows, whole_columns = rows // ROWS * ROWS, columns // ROWS * ROWS
    for r in range(0, whole_rows, ROWS):
        for k in range(0, whole_columns, ROWS):
            transpose_tile(x, x_start + r * x_stride + k, x_stride, y, y_start + k * y_stride + r, y_stride)
    for r in range(rows):
        for k in range(whole_columns if r < whole_rows else 0, columns):
            y[y_start + k * y_stride + r] = x[x_start + r * x_stride + k]
