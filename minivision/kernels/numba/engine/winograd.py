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
from minivision.kernels.numba.engine.register_tile import ROWS, VECTORS, lanes_of, make_apply_matrix
from minivision.kernels.numba.engine.scratch import Plan, line_size, load_block, size_of_phase

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


@jit(parallel=True)
def _transform_filters(w, flipped, u, threads):
    """Write ``G w Gᵀ`` in the order of the register tile: (36, panels, channels, ROWS)."""
    F, C = (w.shape[1], w.shape[0]) if flipped else (w.shape[0], w.shape[1])
    panels = (F + ROWS - 1) // ROWS
    for thread in numba.prange(threads):
        g, half = np.empty((3, 3)), np.empty((6, 3))
        for f in range(thread * F // threads, (thread + 1) * F // threads):
            for c in range(C):
                for i in range(3):
                    for j in range(3):  # flipped: rotated by 180 degrees, first two axes swapped
                        g[i, j] = w[c, f, 2 - i, 2 - j] if flipped else w[f, c, i, j]
                for k in range(3):
                    column = _times_G(g[0, k], g[1, k], g[2, k])
                    for i in range(6):
                        half[i, k] = column[i]
                position = (f // ROWS * C + c) * ROWS + f % ROWS
                for i in range(6):
                    for value in _times_G(half[i, 0], half[i, 1], half[i, 2]):
                        u[position] = value
                        position += panels * C * ROWS  # the next of the 36 elements


@jit
def _times_G(a, b, c):
    """Return ``G (a, b, c)`` in double precision: it is computed once for each filter and limits the accuracy."""
    outer, even, odd = (a + c) / 6, a / 24 + c / 6, b / 12
    return a / 4, -outer - b / 6, b / 6 - outer, even + odd, even - odd, c


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
    u = np.zeros(36 * -(-F // ROWS) * ROWS * C, x.dtype)
    _transform_filters(w, flipped, u, threads)
    y = np.empty((N, F, *output_size), dtype=x.dtype)
    _winograd(x, u, bias, y, plan, lanes_of(x.dtype), threads)
    return y


@jit(parallel=True)
def _winograd(x, u, b, y, plan, lanes, threads):
    N, F, H_out, W_out = y.shape
    C = x.shape[1]
    panels = (F + ROWS - 1) // ROWS
    all_rows = (H_out + 3) // 4
    blocks = (all_rows + plan.block_rows - 1) // plan.block_rows
    tasks = N * blocks
    tiles = plan.block_rows * plan.columns
    # Distance between streams: whole vectors, and no power of two, which would cause cache conflicts.
    stream = (tiles + 2 * lanes - 1) // lanes * lanes + lanes
    channel_offsets = np.arange(C) * (36 * stream)
    no_bias = np.zeros(ROWS, x.dtype)
    for thread in numba.prange(threads):
        scratch = np.empty(plan.plane_size + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        # Zeros, since vectors reach past the end of a stream: products of what lay there may be subnormal, and slow.
        half = np.zeros(24 * stream + 2 * lanes, x.dtype)
        v = np.zeros(C * 36 * stream + VECTORS * lanes, x.dtype)
        m = np.zeros(panels * ROWS * 36 * stream + VECTORS * lanes, x.dtype)
        out = np.empty(16 * stream + 2 * lanes, x.dtype)
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            n, row = task // blocks, task % blocks * plan.block_rows
            rows = min(plan.block_rows, all_rows - row)
            for c in range(C):
                load_block(x, n, c, 1, row, plan, line, scratch)
                _transform_input(scratch, plan, stream, half, v, c * 36 * stream)
            for panel in range(panels):
                for element in range(36):
                    start = (element * panels + panel) * C * ROWS
                    target = panel * ROWS * 36 * stream + element * stream
                    multiply_block(
                        v[element * stream :],
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
def _transform_input(scratch, plan, stream, half, v, start):
    """Compute ``Bᵀ d B`` of one channel: first along the columns of every tile, then along the rows."""
    tiles = plan.block_rows * plan.columns
    down = np.empty(6, np.int64)
    along = np.empty(6, np.int64)
    for k in range(6):
        down[k] = k % 4 * 4 * plan.phase_size + k // 4 * plan.columns
        along[k] = k % 4 * stream + k // 4
    for j in range(4):
        _apply_BT(scratch, j * plan.phase_size, down, half, j * stream, 4 * stream, tiles + 1)
    for i in range(6):
        _apply_BT(half, i * 4 * stream, along, v, start + i * 6 * stream, stream, tiles)


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
