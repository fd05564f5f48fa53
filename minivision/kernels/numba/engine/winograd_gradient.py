"""The gradient of 3 x 3 filters of stride 1, with a quarter of the multiplications: Winograd's algorithm transposed.

The algorithm computes ``y = Aᵀ [(G w Gᵀ) * (Bᵀ d B)] A`` for each tile (``winograd.py``). That is linear in the filter,
so the gradient runs the same matrices backward::

    dw = Gᵀ [sum over tiles of (A dy Aᵀ) * (Bᵀ d B)] G

The sum over tiles is, for each of the 36 elements, one matrix product (filters x tiles) (tiles x channels).
"""

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.matrix_product import Operand, make_buffers, multiply_part
from minivision.kernels.numba.engine.packing import copy_transposed
from minivision.kernels.numba.engine.vector_moves import clear_run, make_apply_matrix
from minivision.kernels.numba.engine.vectors import ROWS, VECTORS, lanes_of
from minivision.kernels.numba.engine.winograd_tiles import (
    G,
    apart,
    block_at,
    blocks_of,
    count_of,
    is_worthwhile,
    plan_gradient,
    plan_tiles,
    space_for_blocks,
    start_block,
    transform_gradient,
    transform_input,
)
from minivision.kernels.numba.engine.workspace import take, workspace

_apply_GT = make_apply_matrix(G.T.tolist())

MIN_CHANNELS = 16  # they are the lanes of the products; with fewer, lanes stay empty
MAX_SUMS = 1 << 25  # numbers, of all threads: 128 MB of float32
FILTER_COST = 1800  # see is_worthwhile; the sums of a block are short, and are added to those of the block before
PIECE = 256  # filters of one channel that are transformed together


def suits_winograd_gradient(x, dy):
    """Return whether it is faster than the direct gradient, and its sums do not take too much memory."""
    (N, C), F = x.shape[:2], dy.shape[1]
    fits = C >= MIN_CHANNELS and numba.get_num_threads() * 36 * C * F <= MAX_SUMS
    return fits and is_worthwhile(N, C, F, dy.shape[2:], FILTER_COST)


def winograd_filter_gradient(x, dy, padding):
    """Return the gradient (F, C, 3, 3) of the filters of a convolution of `x` whose output has the gradient `dy`."""
    N, C = x.shape[:2]
    F = dy.shape[1]
    threads, lanes = numba.get_num_threads(), lanes_of(x.dtype)
    tiles = plan_tiles(N, C, F, dy.shape[2:], padding, threads)
    size = space_for_blocks(tiles) + 36 * (apart(C * tiles.stream) + apart(F * tiles.stream)) + 4 * VECTORS * lanes
    memory = workspace(threads, size, x.dtype)
    sums = np.empty((threads, 36 * F * C + VECTORS * lanes), x.dtype)
    dw = np.empty((F, C, 3, 3), x.dtype)
    _add_products(x, dy, sums, tiles, plan_gradient(tiles), lanes, threads, memory)
    _transform_sums(sums, dw, lanes, threads)
    return dw


@jit(parallel=True)
def _add_products(x, dy, sums, tiles, gradient_tiles, lanes, threads, memory):
    """Compute the sums over the tiles of each thread: 36 matrices (F, C)."""
    N, F, H, W = dy.shape
    C, stream = x.shape[1], tiles.stream
    all_rows = (H + 3) // 4
    blocks, in_a_stack = blocks_of(N, all_rows, tiles)
    size, gradient_size = apart(C * stream), apart(F * stream)
    no_bias = np.zeros((F + ROWS - 1) // ROWS * ROWS, x.dtype)
    rows, columns = (F + ROWS - 1) // ROWS, (C + VECTORS * lanes - 1) // (VECTORS * lanes)
    for thread in numba.prange(threads):
        space, rest = take(memory[thread], space_for_blocks(tiles))
        v, t = take(rest, 36 * size + VECTORS * lanes)
        buffers = make_buffers(F, C, stream, lanes, x)
        own = sums[thread]
        clear_run(own, 0, own.size)
        for number in range(thread * blocks // threads, (thread + 1) * blocks // threads):
            block = block_at(number, in_a_stack, N, all_rows, tiles)
            start_block(tiles, space)
            for c in range(C):
                transform_input(x, c, block, tiles, space, v, c * stream, size)
            start_block(tiles, space)
            for f in range(F):
                transform_gradient(dy, f, block, gradient_tiles, space, t, f * stream, gradient_size)
            for element in range(36):
                multiply_part(
                    t, Operand(element * gradient_size, stream, False), v, Operand(element * size, stream, True),
                    own, Operand(element * F * C, C, False), (F, C, count_of(block, tiles)),
                    (0, rows), (0, columns), no_bias, True, buffers, lanes,
                )  # fmt: skip


@jit(parallel=True)
def _transform_sums(sums, dw, lanes, threads):
    """Add up the sums of all threads, in a fixed order, and write ``Gᵀ sum G``, piece by piece."""
    pairs = dw.shape[0] * dw.shape[1]
    pieces = (pairs + PIECE - 1) // PIECE
    numbers = dw.reshape(dw.size)
    for thread in numba.prange(threads):
        total = np.zeros(36 * PIECE + VECTORS * lanes, dw.dtype)
        half, result = np.zeros(18 * PIECE + lanes, dw.dtype), np.zeros(9 * PIECE + lanes, dw.dtype)
        down, along = np.arange(6) * 6 * PIECE, np.arange(6) * PIECE
        for piece in range(thread * pieces // threads, (thread + 1) * pieces // threads):
            first = piece * PIECE
            count = min(PIECE, pairs - first)
            for element in range(36):
                for k in range(count):
                    total[element * PIECE + k] = sums[0, element * pairs + first + k]
                for other in range(1, threads):
                    for k in range(count):
                        total[element * PIECE + k] += sums[other, element * pairs + first + k]
            for j in range(6):
                _apply_GT(total, j * PIECE, down, half, j * PIECE, 6 * PIECE, count)
            for i in range(3):
                _apply_GT(half, i * 6 * PIECE, along, result, i * 3 * PIECE, PIECE, count)
            copy_transposed(result, 0, PIECE, 9, count, numbers, first * 9, 9)
