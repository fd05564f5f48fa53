"""Max pooling in prediction, without the indices that only a backward pass needs: alone, or right after a convolution.

The first convolution of a network makes its largest map, of which pooling keeps a quarter. Here it pools each block of
rows while that is in the cache, so the large map never exists. Normalization and ReLU that follow are done as well.
"""

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.direct import multiply_block
from minivision.kernels.numba.engine.scratch import line_size, load_block, plan_correlate2d
from minivision.kernels.numba.engine.vectors import ROWS, VECTORS, lanes_of


@jit(fastmath={"contract"})
def _pool_rows(x, above, below, y, start, count, scale, shift, lowest):
    """Write ``max(scale * (largest of 2 x 2 numbers) + shift, lowest)`` for two rows of `x`, given by their starts."""
    upper, lower, out = x[above : above + 2 * count], x[below : below + 2 * count], y[start : start + count]
    for j in range(count):
        first, second, third, fourth = upper[2 * j], upper[2 * j + 1], lower[2 * j], lower[2 * j + 1]
        left = second if (second > first) | (second != second) else first  # NaN stays NaN, as in ``max_pool2d``
        right = fourth if (fourth > third) | (fourth != fourth) else third
        best = right if (right > left) | (right != right) else left
        v = best * scale + shift
        out[j] = lowest if v <= lowest else v


def max_pool_2x2(x, scale, shift, lowest):
    """Return ``max(scale * max_pool2d(x, 2) + shift, lowest)``, with a scale and a shift for each channel."""
    N, C, H, W = x.shape
    y = np.empty((N, C, H // 2, W // 2), x.dtype)
    _max_pool_2x2(x, scale, shift, x.dtype.type(lowest), y)
    return y


@jit(parallel=True)
def _max_pool_2x2(x, scale, shift, lowest, y):
    N, C, H, W = x.shape
    rows, columns = y.shape[2], y.shape[3]
    numbers, out = x.reshape(x.size), y.reshape(y.size)
    for plane in numba.prange(N * C):
        for i in range(rows):
            above = (plane * H + 2 * i) * W
            start = (plane * rows + i) * columns
            c = plane % C
            _pool_rows(numbers, above, above + W, out, start, columns, scale[c], shift[c], lowest)


def correlate2d_pooled(x, packed, F, kernel_size, stride, padding, dilation, size, scale, shift, lowest):
    """Return ``max(scale * max_pool2d(correlate2d(x), 2) + shift, lowest)``, or None if no two rows fit the cache.

    `packed` is what ``direct.pack`` returned for F filters of one group; `size` is that of the map before pooling.
    """
    N, C = x.shape[:2]
    threads = numba.get_num_threads()
    plan = plan_correlate2d(N, C, size, kernel_size, stride, padding, dilation, x.itemsize, threads)
    if plan.block_rows < 2:
        return None
    y = np.empty((N, F, size[0] // 2, size[1] // 2), x.dtype)
    filters, bias = packed
    _correlate2d_pooled(x, filters, bias, scale, shift, x.dtype.type(lowest), y, plan, lanes_of(x.dtype), threads)
    return y


@jit(parallel=True)
def _correlate2d_pooled(x, w, b, scale, shift, lowest, y, plan, lanes, threads):
    N, F, rows, columns = y.shape
    C, taps = x.shape[1], plan.offsets.size
    panels = (F + ROWS - 1) // ROWS
    pairs = plan.block_rows // 2  # of rows before pooling, in a block
    blocks = (rows + pairs - 1) // pairs
    longest = 2 * pairs * plan.columns + VECTORS * lanes
    out = y.reshape(y.size)
    for thread in numba.prange(threads):
        scratch = np.empty(C * plan.plane_size + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        result = np.empty(ROWS * longest, x.dtype)
        for task in range(thread * N * blocks // threads, (thread + 1) * N * blocks // threads):
            n, row = task // blocks, task % blocks * pairs
            height = min(pairs, rows - row)
            load_block(x, n, 0, C, 2 * row, plan, line, scratch)
            for panel in range(panels):
                multiply_block(
                    scratch, plan.offsets, taps, w, panel * taps * ROWS, b, panel * ROWS,
                    result, 0, longest, 2 * height * plan.columns, lanes,
                )  # fmt: skip
                for k in range(min(ROWS, F - panel * ROWS)):
                    f = panel * ROWS + k
                    for i in range(height):
                        above = k * longest + 2 * i * plan.columns
                        start = ((n * F + f) * rows + row + i) * columns
                        below = above + plan.columns
                        _pool_rows(result, above, below, out, start, columns, scale[f], shift[f], lowest)
