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

As in the direct kernels, neighboring lanes of a vector are neighboring positions, here tiles. The input is divided
into 4 x 4 phases, so that element (i, j) of all tiles is one contiguous stream: phase (i % 4, j % 4), shifted by one
tile if i or j is 4 or 5. Each transform then multiplies whole streams by a small constant matrix.

References
----------
Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, section 4.1 and equation 14. The error
in float32 is about 1e-5 of the largest value, from the factors up to 8 in A.
"""

import functools

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.direct import interleave, multiply_block
from minivision.kernels.numba.engine.packing import copy_transposed
from minivision.kernels.numba.engine.scratch import Plan, line_size, load_block, size_of_phase
from minivision.kernels.numba.engine.vector_moves import make_apply_matrix
from minivision.kernels.numba.engine.vectors import ROWS, VECTORS, lanes_of
from minivision.kernels.numba.engine.workspace import workspace

BT = np.array(
    [
        [4, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=float,
)
AT = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], dtype=float)

_apply_BT = make_apply_matrix(BT.tolist())
_apply_AT = make_apply_matrix(AT.tolist())

CACHE_BYTES = 2_600_000  # for the transformed inputs and outputs of a block
LINE = 16  # numbers of float32 in a line of the cache


@functools.lru_cache(maxsize=512)
def _plan(images, channels, filters, output_size, padding, threads):
    """Plan blocks of rows of tiles; ``halo`` and ``columns`` include the next tile, which holds inputs 4 and 5."""
    rows, columns = -(-output_size[0] // 4), -(-output_size[1] // 4) + 1
    best = None
    for block in range(1, rows + 1):
        if block > 1 and 36 * 4 * (channels + filters) * block * columns > CACHE_BYTES:
            break
        blocks = -(-rows // block)
        busiest = -(-images * blocks // threads)  # largest number of tasks of a thread
        cost = busiest * (-(-block * columns // 16) * 16 + 4)
        if best is None or cost < best[0]:
            best = cost, block
    block = best[1]
    phases, unused = np.arange(4), np.zeros(1, np.int64)
    (top, _), (left, _) = padding
    size = size_of_phase(block + 1, columns)
    return Plan(-top, -left, 4, 4, phases, phases, 1, columns, block, size, 16 * size, unused, unused)


@jit
def _apart(size):
    """Return the distance between 36 blocks of `size` numbers: a line of the cache more.

    At a power of two all 36 would compete for the same few places of the cache.
    """
    return size + LINE


@jit(parallel=True)
def _transform_filters(w, flipped, u, threads):
    """Write ``G w Gᵀ`` in the order of the register tile: (36, panels, channels, ROWS) and a line between the 36."""
    F, C = (w.shape[1], w.shape[0]) if flipped else (w.shape[0], w.shape[1])
    panels = (F + ROWS - 1) // ROWS
    distance = _apart(panels * C * ROWS)
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
    threads = numba.get_num_threads()
    plan = _plan(N, C, F, tuple(output_size), padding, threads)
    bias = np.zeros(F, x.dtype) if b is None else b
    u = np.empty(36 * _apart(-(-F // ROWS) * ROWS * C), x.dtype)
    _transform_filters(w, flipped, u, threads)
    y = np.empty((N, F, *output_size), dtype=x.dtype)
    lanes = lanes_of(x.dtype)
    stream = _stream(plan.block_rows * plan.columns, lanes)
    size = (24 + 36 * -(-F // ROWS) * ROWS + 16) * stream + 36 * _apart(C * stream) + (4 + 2 * VECTORS) * lanes
    _winograd(x, u, bias, y, plan, lanes, threads, stream, workspace(threads, size, x.dtype))
    return y


def _stream(tiles, lanes):
    """Return the distance between streams: whole vectors, and no power of two, which would cause cache conflicts."""
    return (tiles + 2 * lanes - 1) // lanes * lanes + lanes


@jit(parallel=True)
def _winograd(x, u, b, y, plan, lanes, threads, stream, space):
    N, F, H_out, W_out = y.shape
    C = x.shape[1]
    panels = (F + ROWS - 1) // ROWS
    all_rows = (H_out + 3) // 4
    blocks = (all_rows + plan.block_rows - 1) // plan.block_rows
    tasks = N * blocks
    tiles = plan.block_rows * plan.columns
    channel_offsets = np.arange(C) * stream
    element_size, filters_size = _apart(C * stream), _apart(panels * C * ROWS)
    no_bias = np.zeros(ROWS, x.dtype)
    for thread in numba.prange(threads):
        scratch = np.empty(plan.plane_size + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        half, rest = _take(space[thread], 24 * stream + 2 * lanes)
        v, rest = _take(rest, 36 * element_size + VECTORS * lanes)
        m, rest = _take(rest, panels * ROWS * 36 * stream + VECTORS * lanes)
        out, _ = _take(rest, 16 * stream + 2 * lanes)
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            n, row = task // blocks, task % blocks * plan.block_rows
            rows = min(plan.block_rows, all_rows - row)
            for c in range(C):
                load_block(x, n, c, 1, row, plan, line, scratch)
                _transform_input(scratch, plan, stream, half, v, c * stream, element_size)
            for panel in range(panels):
                for element in range(36):
                    start = element * filters_size + panel * C * ROWS
                    target = panel * ROWS * 36 * stream + element * stream
                    multiply_block(
                        v[element * element_size :],
                        channel_offsets,
                        C,
                        u,
                        start,
                        no_bias,
                        0,
                        m,
                        target,
                        36 * stream,
                        tiles,
                        lanes,
                    )
            for f in range(F):
                _transform_output(m, f * 36 * stream, tiles, stream, half, out)
                for r in range(min(4 * rows, H_out - 4 * row)):
                    start = r % 4 * 4 * stream + r // 4 * plan.columns
                    interleave(out, start, stream, 4, b[f], y[n, f, 4 * row + r])


@jit
def _take(space, size):
    return space[:size], space[size:]


@jit
def _transform_input(scratch, plan, stream, half, v, start, distance):
    """Compute ``Bᵀ d B`` of one channel: first along the columns of every tile, then along the rows.

    The result are 36 streams with a `distance`.
    """
    tiles = plan.block_rows * plan.columns
    down = np.empty(6, np.int64)
    along = np.empty(6, np.int64)
    for k in range(6):
        down[k] = k % 4 * 4 * plan.phase_size + k // 4 * plan.columns
        along[k] = k % 4 * stream + k // 4
    for j in range(4):
        _apply_BT(scratch, j * plan.phase_size, down, half, j * stream, 4 * stream, tiles + 1)
    for i in range(6):
        _apply_BT(half, i * 4 * stream, along, v, start + i * 6 * distance, distance, tiles)


@jit
def _transform_output(m, start, tiles, stream, half, out):
    """Compute ``Aᵀ m A`` of one filter: (6, 6) streams become (4, 4)."""
    down = np.empty(6, np.int64)
    along = np.empty(6, np.int64)
    for k in range(6):
        down[k] = k * 6 * stream
        along[k] = k * stream
    for j in range(6):
        _apply_AT(m, start + j * stream, down, half, j * stream, 6 * stream, tiles)
    for i in range(4):
        _apply_AT(half, i * 6 * stream, along, out, i * 4 * stream, stream, tiles)
