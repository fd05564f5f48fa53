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

from typing import NamedTuple

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.packing import copy_transposed
from minivision.kernels.numba.engine.register_tile import (
    add_rows_1,
    add_rows_2,
    add_rows_3,
    multiply_rows_1,
    multiply_rows_2,
    multiply_rows_3,
)
from minivision.kernels.numba.engine.vector_moves import copy_run, copy_vectors
from minivision.kernels.numba.engine.vectors import ROWS, VECTORS, lanes_of

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
    row_parts, column_parts = parts_of_threads(I, J, lanes, threads)
    left, right = Operand(0, a.shape[1], a_transposed), Operand(0, b.shape[1], b_transposed)
    no_bias = np.zeros((I + ROWS - 1) // ROWS * ROWS, result.dtype)
    for thread in numba.prange(threads):
        buffers = make_buffers(I, J, K, lanes, b)
        rows = part(thread % row_parts, row_parts, (I + ROWS - 1) // ROWS)
        columns = part(thread % column_parts, column_parts, (J + VECTORS * lanes - 1) // (VECTORS * lanes))
        multiply_part(
            a.reshape(a.size), left, b.reshape(b.size), right, result.reshape(result.size), Operand(0, J, False),
            (I, J, K), rows, columns, no_bias, has_start, buffers, lanes,
        )  # fmt: skip


class Operand(NamedTuple):
    """A matrix in a flat array: where it begins, the distance of its rows, and whether it stands there transposed."""

    start: int
    stride: int
    transposed: bool


@jit
def parts_of_threads(I, J, lanes, threads):
    """Return into how many parts the rows and the columns of a result are divided: the larger number is."""
    across, down = (J + VECTORS * lanes - 1) // (VECTORS * lanes), (I + ROWS - 1) // ROWS
    return (threads, 1) if down >= across else (1, threads)


@jit
def part(number, parts, count):
    return number * count // parts, (number + 1) * count // parts


@jit
def make_buffers(I, J, K, lanes, like):
    """Return the memory that :func:`multiply_part` needs in each thread, and tables of offsets."""
    width = VECTORS * lanes
    depth = min(DEPTH, K)
    block_of_a = np.empty(min(PANELS, (I + ROWS - 1) // ROWS) * ROWS * depth, like.dtype)
    panel_of_b, tile = np.empty(depth * width, like.dtype), np.zeros(ROWS * width, like.dtype)
    return block_of_a, panel_of_b, tile, np.arange(depth) * width, np.arange(depth) * J


@jit
def multiply_part(a, left, b, right, result, place, sizes, rows, columns, bias, has_start, buffers, lanes):
    """Compute some panels of rows and of columns of ``result = a @ b + bias``, or add them (`has_start`).

    `left`, `right` and `place` tell where the matrices are in the flat arrays. `bias` has a number for each row.
    """
    I, J, K = sizes
    block_of_a, panel_of_b, tile, steps, steps_in_place = buffers
    width = VECTORS * lanes
    in_place = not right.transposed and (I + ROWS - 1) // ROWS <= FEW_PANELS
    for block in range(rows[0], rows[1], PANELS):
        panels = min(PANELS, rows[1] - block)
        for first in range(0, K, DEPTH):
            depth = min(DEPTH, K - first)
            begins = first == 0 and not has_start
            for panel in range(panels):
                row = (block + panel) * ROWS
                _pack_rows(a, left, row, min(ROWS, I - row), first, depth, block_of_a, panel * ROWS * depth)
            for column in range(columns[0], columns[1]):
                j = column * width
                count = min(width, J - j)
                source, begin, offsets = b, right.start + first * right.stride + j, steps_in_place
                if not in_place or count < width:
                    _pack_columns(b, right, first, depth, j, count, panel_of_b, width)
                    source, begin, offsets = panel_of_b, 0, steps
                for panel in range(panels):
                    row = (block + panel) * ROWS
                    height = min(ROWS, I - row)
                    begin_of_row = place.start + row * place.stride + j
                    is_whole = height == ROWS and count == width
                    target, at, stride = (result, begin_of_row, place.stride) if is_whole else (tile, 0, width)
                    if not is_whole and not begins:
                        for r in range(height):
                            copy_run(result, begin_of_row + r * place.stride, tile, r * width, count)
                    operands = source, begin, offsets, depth, block_of_a, panel * ROWS * depth
                    if begins:
                        _write_tile(operands, bias, row, target, at, stride, count, lanes)
                    else:
                        _add_tile(operands, target, at, stride, count, lanes)
                    if not is_whole:
                        for r in range(height):
                            copy_run(tile, r * width, result, begin_of_row + r * place.stride, count)


@jit
def _write_tile(operands, bias, row, target, place, stride, count, lanes):
    """Write the products of a panel of `a` and a panel of `b` of `count` columns, in as many vectors as they need."""
    source, begin, offsets, depth, block, start = operands
    if count > 2 * lanes:
        multiply_rows_3(source, begin, offsets, depth, block, start, bias, row, target, place, stride)
    elif count > lanes:
        multiply_rows_2(source, begin, offsets, depth, block, start, bias, row, target, place, stride)
    else:
        multiply_rows_1(source, begin, offsets, depth, block, start, bias, row, target, place, stride)


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
def _pack_rows(a, left, row, rows, first, depth, packed, start):
    """Copy `depth` columns of `rows` rows of `a` into the order of the tile; rows that are missing become zeros."""
    if rows < ROWS:
        packed[start : start + ROWS * depth] = 0
    if not left.transposed:
        copy_transposed(a, left.start + row * left.stride + first, left.stride, rows, depth, packed, start, ROWS)
    elif rows == ROWS:  # a number that the compiler knows: one vector is copied
        for k in range(depth):
            copy_run(a, left.start + (first + k) * left.stride + row, packed, start + k * ROWS, ROWS)
    else:
        for k in range(depth):
            copy_run(a, left.start + (first + k) * left.stride + row, packed, start + k * ROWS, rows)


@jit
def _pack_columns(b, right, first, depth, j, count, packed, width):
    """Copy `count` columns of `depth` rows of `b`, row by row; columns that are missing become zeros."""
    if count < width:
        packed[: depth * width] = 0
    if right.transposed:
        copy_transposed(b, right.start + j * right.stride + first, right.stride, count, depth, packed, 0, width)
    elif count == width:
        for k in range(depth):
            copy_vectors(b, right.start + (first + k) * right.stride + j, packed, k * width)
    else:
        for k in range(depth):
            copy_run(b, right.start + (first + k) * right.stride + j, packed, k * width, count)
