"""3 x 3 convolution of stride 1 with a quarter of the multiplications: Winograd's F(4 x 4, 3 x 3).

A tile of 4 x 4 outputs depends on 6 x 6 inputs. A direct convolution takes 9 multiplications for each output, 144
for the tile. In another basis the tile takes 36::

    y = Aᵀ [(G w Gᵀ) * (Bᵀ d B)] A          d: 6 x 6 inputs, w: 3 x 3 filter, y: 4 x 4 outputs

        ⎡ 1/4    0     0  ⎤
        ⎢-1/6  -1/6  -1/6 ⎥
    G = ⎢-1/6   1/6  -1/6 ⎥                 Bᵀ and Aᵀ: BT and AT below
        ⎢1/24   1/12  1/6 ⎥
        ⎢1/24  -1/12  1/6 ⎥
        ⎣  0     0     1  ⎦

where ``*`` is the product of elements. The sum over channels can be taken before Aᵀ...A. So between the transforms
there is, for each of the 36 elements, one matrix product (filters x channels) (channels x tiles).

As in the direct kernels, neighboring lanes of a vector are neighboring positions, here tiles (``winograd_tiles.py``).

References
----------
Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, section 4.1 and equation 14. The error
in float32 is about 1e-5 of the largest value, from the factors up to 8 in A.
"""

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.direct import multiply_block
from minivision.kernels.numba.engine.finishing import finish_run, how_to_finish
from minivision.kernels.numba.engine.packing import copy_transposed
from minivision.kernels.numba.engine.vector_moves import make_apply_on_both_sides
from minivision.kernels.numba.engine.vectors import ROWS, VECTORS, lanes_of
from minivision.kernels.numba.engine.winograd_tiles import (
    G,
    apart,
    block_at,
    blocks_of,
    count_of,
    is_worthwhile,
    plan_tiles,
    space_for_blocks,
    start_block,
    transform_input,
    transform_output,
)
from minivision.kernels.numba.engine.workspace import take, workspace

FILTER_COST = 400  # see is_worthwhile

_apply_G = make_apply_on_both_sides(G.tolist())


@jit(parallel=True)
def _transform_filters(w, flipped, u, threads):
    """Write ``G w Gᵀ`` in the order of the register tile: (36, panels, channels, ROWS) and a line between the 36.

    It is computed once for each filter and limits the accuracy, so in double precision.
    """
    F, C = (w.shape[1], w.shape[0]) if flipped else (w.shape[0], w.shape[1])
    panels = (F + ROWS - 1) // ROWS
    distance = apart(panels * C * ROWS)
    numbers = w.reshape(w.size)
    for thread in numba.prange(threads):
        filters = np.zeros(9 * C * ROWS, w.dtype)  # of a panel: (channels, 9, ROWS)
        for panel in range(thread * panels // threads, (thread + 1) * panels // threads):
            begin = panel * ROWS
            rows = min(ROWS, F - begin)
            if rows < ROWS:
                filters[:] = 0
            if flipped:
                for c in range(C):
                    copy_transposed(numbers, (c * F + begin) * 9, 9, rows, 9, filters, c * 9 * ROWS, ROWS)
            else:
                copy_transposed(numbers, begin * C * 9, C * 9, rows, C * 9, filters, 0, ROWS)
            first, step = (8 * ROWS, -ROWS) if flipped else (0, ROWS)  # flipped: rotated by 180 degrees
            for c in range(C):
                _apply_G(filters, c * 9 * ROWS + first, step, u, (panel * C + c) * ROWS, distance)


def suits_winograd(x, filters, output_size):
    """Return whether `winograd` is faster than a direct convolution with 3 x 3 filters of stride 1."""
    return is_worthwhile(x.shape[0], x.shape[1], filters, output_size, FILTER_COST)


def transform_filters(w, *, flipped=False):
    """Return the transformed filters, as :func:`winograd` uses them."""
    F, C = (w.shape[1], w.shape[0]) if flipped else (w.shape[0], w.shape[1])
    u = np.empty(36 * apart(-(-F // ROWS) * ROWS * C), w.dtype)
    _transform_filters(w, flipped, u, numba.get_num_threads())
    return u


def winograd(x, w, b, padding, output_size, *, flipped=False, transformed=None, other=None, relu=False):
    """Correlate `x` with 3 x 3 filters, stride 1.

    `w` is ``(F, C, 3, 3)``. If `flipped`, it holds the filters ``(C, F, 3, 3)`` of a convolution, and its transpose is
    computed; then `padding` may be negative: input at the border that is not used.

    For prediction: `transformed` is what :func:`transform_filters` returned for `w`; a map `other` in the shape of the
    result is added to it, and numbers below 0 become 0 if `relu`.
    """
    N, C = x.shape[:2]
    F = w.shape[1] if flipped else w.shape[0]
    threads, lanes = numba.get_num_threads(), lanes_of(x.dtype)
    tiles = plan_tiles(N, C, F, tuple(output_size), padding, threads)
    bias = np.zeros(F, x.dtype) if b is None else b
    padded = -(-F // ROWS) * ROWS
    u = transform_filters(w, flipped=flipped) if transformed is None else transformed
    y = np.empty((N, F, *output_size), dtype=x.dtype)
    size = space_for_blocks(tiles) + 36 * (apart(C * tiles.stream) + padded * tiles.stream) + 4 * VECTORS * lanes
    memory, how = workspace(threads, size, x.dtype), how_to_finish(other, relu)
    _winograd(x, u, bias, y, tiles, lanes, threads, memory, y if other is None else other, how)
    return y


@jit(parallel=True)
def _winograd(x, u, b, y, tiles, lanes, threads, memory, other, how):
    N, F, H_out, W_out = y.shape
    C, stream = x.shape[1], tiles.stream
    panels = (F + ROWS - 1) // ROWS
    all_rows = (H_out + 3) // 4
    blocks, in_a_stack = blocks_of(N, all_rows, tiles)
    channel_offsets = np.arange(C) * stream
    element_size, filters_size = apart(C * stream), apart(panels * C * ROWS)
    no_bias = np.zeros(ROWS, x.dtype)
    numbers, others = y.reshape(y.size), other.reshape(other.size)
    for thread in numba.prange(threads):
        space, rest = take(memory[thread], space_for_blocks(tiles))
        v, m = take(rest, 36 * element_size + VECTORS * lanes)
        for number in range(thread * blocks // threads, (thread + 1) * blocks // threads):
            block = block_at(number, in_a_stack, N, all_rows, tiles)
            start_block(tiles, space)
            for c in range(C):
                transform_input(x, c, block, tiles, space, v, c * stream, element_size)
            for panel in range(panels):
                for element in range(36):
                    multiply_block(
                        v[element * element_size :], channel_offsets, C,
                        u, element * filters_size + panel * C * ROWS, no_bias, 0,
                        m, (panel * ROWS * 36 + element) * stream, 36 * stream, count_of(block, tiles), lanes,
                    )  # fmt: skip
            for f in range(F):
                transform_output(m, f * 36 * stream, block, tiles, space, b[f], y, f)
                for n in range(block.image, block.image + block.images):
                    count = min(4 * block.rows, H_out - 4 * block.row) * W_out
                    finish_run(numbers, ((n * F + f) * H_out + 4 * block.row) * W_out, count, others, how)
