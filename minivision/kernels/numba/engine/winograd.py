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
from minivision.kernels.numba.engine.packing import copy_transposed
from minivision.kernels.numba.engine.vectors import ROWS, VECTORS, lanes_of
from minivision.kernels.numba.engine.winograd_tiles import (
    apart,
    block_at,
    blocks_of,
    count_of,
    plan_tiles,
    space_for_blocks,
    start_block,
    transform_input,
    transform_output,
)
from minivision.kernels.numba.engine.workspace import take, workspace


@jit(parallel=True)
def _transform_filters(w, flipped, u, threads):
    """Write ``G w Gᵀ`` in the order of the register tile: (36, panels, channels, ROWS) and a line between the 36."""
    F, C = (w.shape[1], w.shape[0]) if flipped else (w.shape[0], w.shape[1])
    panels = (F + ROWS - 1) // ROWS
    distance = apart(panels * C * ROWS)
    numbers = w.reshape(w.size)
    for thread in numba.prange(threads):
        filters = np.zeros(9 * C * ROWS, w.dtype)  # of a panel: (channels, 9, ROWS)
        half = np.empty((6, 3, ROWS))  # G w
        for panel in range(thread * panels // threads, (thread + 1) * panels // threads):
            first = panel * ROWS
            rows = min(ROWS, F - first)
            if rows < ROWS:
                filters[:] = 0
            if flipped:
                for c in range(C):
                    copy_transposed(numbers, (c * F + first) * 9, 9, rows, 9, filters, c * 9 * ROWS, ROWS)
            else:
                copy_transposed(numbers, first * C * 9, C * 9, rows, C * 9, filters, 0, ROWS)
            for c in range(C):
                _transform_panel(filters, c * 9 * ROWS, flipped, half, u, (panel * C + c) * ROWS, distance)


@jit
def _transform_panel(filters, start, flipped, half, u, target, distance):
    """Transform ROWS filters of one channel, neighbors in memory; the 36 results of a filter have a `distance`."""
    origin, step = (8, -1) if flipped else (0, 1)  # flipped: rotated by 180 degrees
    for k in range(3):
        for lane in range(ROWS):
            place = start + (origin + step * k) * ROWS + lane
            a, b, c = filters[place], filters[place + 3 * step * ROWS], filters[place + 6 * step * ROWS]
            h0, h1, h2, h3, h4, h5 = _times_G(np.float64(a), np.float64(b), np.float64(c))
            half[0, k, lane], half[1, k, lane], half[2, k, lane] = h0, h1, h2
            half[3, k, lane], half[4, k, lane], half[5, k, lane] = h3, h4, h5
    for i in range(6):
        for lane in range(ROWS):
            place = target + 6 * i * distance + lane
            h0, h1, h2, h3, h4, h5 = _times_G(half[i, 0, lane], half[i, 1, lane], half[i, 2, lane])
            u[place], u[place + distance], u[place + 2 * distance] = h0, h1, h2
            u[place + 3 * distance], u[place + 4 * distance], u[place + 5 * distance] = h3, h4, h5


@jit
def _times_G(a, b, c):
    """Return ``G (a, b, c)`` in double precision: it is computed once for each filter and limits the accuracy."""
    outer, even, odd = (a + c) * (1 / 6), a * (1 / 24) + c * (1 / 6), b * (1 / 12)
    return a * 0.25, -outer - b * (1 / 6), b * (1 / 6) - outer, even + odd, even - odd, c


def winograd(x, w, b, padding, output_size, *, flipped=False):
    """Correlate `x` with 3 x 3 filters, stride 1.

    `w` is ``(F, C, 3, 3)``. If `flipped`, it holds the filters ``(C, F, 3, 3)`` of a convolution, and its transpose is
    computed; then `padding` may be negative: input at the border that is not used.
    """
    N, C = x.shape[:2]
    F = w.shape[1] if flipped else w.shape[0]
    threads, lanes = numba.get_num_threads(), lanes_of(x.dtype)
    tiles = plan_tiles(N, C, F, tuple(output_size), padding, threads)
    bias = np.zeros(F, x.dtype) if b is None else b
    padded = -(-F // ROWS) * ROWS
    u = np.empty(36 * apart(padded * C), x.dtype)
    _transform_filters(w, flipped, u, threads)
    y = np.empty((N, F, *output_size), dtype=x.dtype)
    size = space_for_blocks(tiles) + 36 * (apart(C * tiles.stream) + padded * tiles.stream) + 4 * VECTORS * lanes
    _winograd(x, u, bias, y, tiles, lanes, threads, workspace(threads, size, x.dtype))
    return y


@jit(parallel=True)
def _winograd(x, u, b, y, tiles, lanes, threads, memory):
    N, F, H_out, W_out = y.shape
    C, stream = x.shape[1], tiles.stream
    panels = (F + ROWS - 1) // ROWS
    all_rows = (H_out + 3) // 4
    blocks, in_a_stack = blocks_of(N, all_rows, tiles)
    channel_offsets = np.arange(C) * stream
    element_size, filters_size = apart(C * stream), apart(panels * C * ROWS)
    no_bias = np.zeros(ROWS, x.dtype)
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
