"""The three passes of which every convolution consists, without im2col.

======================= =======================================================================================
`correlate2d`           dot product of each filter with each window: convolution forward, transpose convolution
                        backward
`correlate2d_transpose` sum of filters weighted by x: convolution backward, transpose convolution forward
`filter_gradient`       gradient of the filters of both: sums of products over all positions
======================= =======================================================================================

All copy their input, block by block, into the buffer of ``scratch.py``, and run the register tile along its offsets.
"""

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.finishing import finish_run, how_to_finish
from minivision.kernels.numba.engine.packing import pack_filters, pack_filters_of_phases
from minivision.kernels.numba.engine.register_tile import (
    dot_row,
    dot_rows,
    multiply_row_1,
    multiply_row_3,
    multiply_row_8,
    multiply_rows_1,
    multiply_rows_2,
    multiply_rows_3,
)
from minivision.kernels.numba.engine.scratch import line_size, load_block, plan_correlate2d, plan_correlate2d_transpose
from minivision.kernels.numba.engine.sums import sum_of
from minivision.kernels.numba.engine.vector_moves import clear_run, copy_run
from minivision.kernels.numba.engine.vectors import LONG, ROWS, VECTORS, lanes_of

SHORTEST_SUM = 512  # least number of products in a sum of the filter gradient; small maps are stacked to reach it,
FEWEST_CHANNELS = 16  # and of many channels only a part is in the scratch buffer, but not fewer than these


def _pack_bias(b, filters, groups, dtype):
    padded = np.zeros((groups, -(-filters // ROWS) * ROWS), dtype=dtype)
    if b is not None:
        padded[:, :filters] = b.reshape(groups, filters)
    return padded.ravel()


@jit
def multiply_block(x, offsets, taps, w, w_start, b, b_start, y, y_start, y_stride, count, lanes):
    """Compute ROWS rows of `count` outputs, in tiles of three vectors, the rest in two or one."""
    p = 0
    while p < count:
        if count - p > 2 * lanes:
            multiply_rows_3(x, p, offsets, taps, w, w_start, b, b_start, y, y_start + p, y_stride)
            p += 3 * lanes
        elif count - p > lanes:
            multiply_rows_2(x, p, offsets, taps, w, w_start, b, b_start, y, y_start + p, y_stride)
            p += 2 * lanes
        else:
            multiply_rows_1(x, p, offsets, taps, w, w_start, b, b_start, y, y_start + p, y_stride)
            p += lanes


@jit
def multiply_line(x, offsets, taps, w, w_start, b, b_start, y, y_start, count, lanes):
    """Compute one row of `count` outputs: the first of the ROWS filters at `w_start`."""
    p = 0
    while p < count:
        if count - p > (LONG - 1) * lanes:
            multiply_row_8(x, p, offsets, taps, w, w_start, b, b_start, y, y_start + p, 0)
            p += LONG * lanes
        elif count - p > 2 * lanes:
            multiply_row_3(x, p, offsets, taps, w, w_start, b, b_start, y, y_start + p, 0)
            p += 3 * lanes
        else:
            multiply_row_1(x, p, offsets, taps, w, w_start, b, b_start, y, y_start + p, 0)
            p += lanes


# ---- correlation -----------------------------------------------------------------------------------------------


def correlate2d(x, w, b, stride, padding, dilation, groups, output_size, *, packed=None, other=None, relu=False):
    """Correlate `x` with filters `w` (F, C / groups, kh, kw); arguments of ``conv2d``, and the output size.

    For prediction: `packed` is what :func:`pack` returned for `w` and `b`; a map `other` in the shape of the result is
    added to it, and numbers below 0 become 0 if `relu`.
    """
    F, C, kh, kw = w.shape
    N = x.shape[0]
    y = np.empty((N, F, *output_size), dtype=x.dtype)
    threads = numba.get_num_threads()
    plan = plan_correlate2d(N * groups, C, output_size, (kh, kw), stride, padding, dilation, x.itemsize, threads)
    filters, bias = packed or pack(w, b, groups)
    how = how_to_finish(other, relu)
    _correlate2d(x, filters, bias, y, groups, plan, lanes_of(x.dtype), threads, y if other is None else other, how)
    return y


def pack(w, b, groups):
    """Return filters and biases in the order of the register tile."""
    F, C, kh, kw = w.shape
    return pack_filters(w.reshape(F, C * kh * kw), groups), _pack_bias(b, F // groups, groups, w.dtype)


@jit(parallel=True)
def _correlate2d(x, w, b, y, groups, plan, lanes, threads, other, how):
    N, F, H_out, W_out = y.shape
    C = x.shape[1] // groups
    F = F // groups
    panels = (F + ROWS - 1) // ROWS  # of ROWS filters each
    blocks = (H_out + plan.block_rows - 1) // plan.block_rows
    tasks = N * groups * blocks
    columns, taps = plan.columns, plan.offsets.size
    longest = plan.block_rows * columns + VECTORS * lanes
    numbers, others = y.reshape(y.size), other.reshape(other.size)
    for thread in numba.prange(threads):
        scratch = np.empty(C * plan.plane_size + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        result = np.empty(ROWS * longest, x.dtype)
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            n, group, row = task // (groups * blocks), task // blocks % groups, task % blocks * plan.block_rows
            rows = min(plan.block_rows, H_out - row)
            load_block(x, n, group * C, C, row, plan, line, scratch)
            count = rows * columns
            whole = columns == W_out and count % lanes == 0  # tiles end where the rows end: written in place
            for panel in range(panels):
                w_start, b_start = (group * panels + panel) * taps * ROWS, (group * panels + panel) * ROWS
                filters = min(ROWS, F - panel * ROWS)
                first = group * F + panel * ROWS
                in_place = whole and (filters == ROWS or F == 1)
                start = ((n * groups * F + first) * H_out + row) * W_out
                target, place, distance = (numbers, start, H_out * W_out) if in_place else (result, 0, longest)
                if F == 1:  # as in depthwise ones: a tile of ROWS filters would be empty but for one
                    multiply_line(scratch, plan.offsets, taps, w, w_start, b, b_start, target, place, count, lanes)
                else:
                    multiply_block(
                        scratch, plan.offsets, taps, w, w_start, b, b_start, target, place, distance, count, lanes
                    )
                for k in range(filters):
                    for r in range(0 if in_place else rows):
                        copy_run(result, k * longest + r * columns, numbers, start + (k * H_out + r) * W_out, W_out)
                    finish_run(numbers, start + k * H_out * W_out, rows * W_out, others, how)


# ---- its transpose ---------------------------------------------------------------------------------------------


def correlate2d_transpose(x, w, b, stride, padding, dilation, groups, output_size):
    """Add up copies of filters `w` (C, F / groups, kh, kw) weighted by `x`, as ``conv_transpose2d`` does."""
    C, F, kh, kw = w.shape  # of all groups together, of one group
    N = x.shape[0]
    y = np.empty((N, F * groups, *output_size), dtype=x.dtype)
    threads = numba.get_num_threads()
    plan, taps, starts = plan_correlate2d_transpose(
        N * groups, C // groups, output_size, (kh, kw), stride, padding, dilation, x.itemsize, threads
    )
    filters = pack_filters_of_phases(w.reshape(C, F, kh * kw), groups, taps, starts)
    begins = starts * -(-F // ROWS) * ROWS * C  # of the filters of each phase
    bias = _pack_bias(b, F, groups, x.dtype)
    _correlate2d_transpose(x, filters, begins, bias, y, groups, stride, plan, lanes_of(x.dtype), threads)
    return y


@jit(parallel=True)
def _correlate2d_transpose(x, w, w_begins, b, y, groups, stride, plan, lanes, threads):
    N, F, H_out, W_out = y.shape
    C = x.shape[1] // groups
    F = F // groups
    sh, sw = stride
    phases = sh * sw
    panels = (F + ROWS - 1) // ROWS
    all_rows = (H_out + sh - 1) // sh
    blocks = (all_rows + plan.block_rows - 1) // plan.block_rows
    tasks = N * groups * blocks
    columns = plan.columns
    longest = plan.block_rows * columns + VECTORS * lanes
    for thread in numba.prange(threads):
        scratch = np.empty(C * plan.plane_size + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        result = np.empty(phases * ROWS * longest, x.dtype)
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            n, group, row = task // (groups * blocks), task // blocks % groups, task % blocks * plan.block_rows
            rows = min(plan.block_rows, all_rows - row)
            load_block(x, n, group * C, C, row, plan, line, scratch)
            for panel in range(panels):
                for phase in range(phases):
                    taps = plan.tap_starts[phase + 1] - plan.tap_starts[phase]
                    offsets = plan.offsets[plan.tap_starts[phase] :]
                    w_start = w_begins[phase] + (group * panels + panel) * taps * ROWS
                    b_start, place = (group * panels + panel) * ROWS, phase * ROWS * longest
                    count = rows * columns
                    if F == 1:
                        multiply_line(scratch, offsets, taps, w, w_start, b, b_start, result, place, count, lanes)
                    else:
                        multiply_block(
                            scratch, offsets, taps, w, w_start, b, b_start, result, place, longest, count, lanes
                        )
                for k in range(min(ROWS, F - panel * ROWS)):
                    for r in range(rows):
                        for phase_y in range(min(sh, H_out - (row + r) * sh)):
                            target = y[n, group * F + panel * ROWS + k, (row + r) * sh + phase_y]
                            start = (phase_y * sw * ROWS + k) * longest + r * columns
                            interleave(result, start, ROWS * longest, sw, target)


@jit
def interleave(phases, start, distance, count, target):
    """Write ``target[j * count + phase] = phases[start + phase * distance + j]``."""
    if count == 1:
        source = phases[start:]
        for j in range(target.size):
            target[j] = source[j]
    elif count == 2:
        even, odd = phases[start:], phases[start + distance :]
        half = target.size // 2
        for j in range(half):
            target[2 * j] = even[j]
            target[2 * j + 1] = odd[j]
        if target.size % 2:
            target[2 * half] = even[half]
    else:
        whole = 0
        if count == 4:
            first, second = phases[start:], phases[start + distance :]
            third, fourth = phases[start + 2 * distance :], phases[start + 3 * distance :]
            whole = target.size // 4
            for j in range(whole):
                target[4 * j] = first[j]
                target[4 * j + 1] = second[j]
                target[4 * j + 2] = third[j]
                target[4 * j + 3] = fourth[j]
        for phase in range(count):
            source = phases[start + phase * distance :]
            for j in range(whole, (target.size - phase + count - 1) // count):
                target[j * count + phase] = source[j]


# ---- the gradient of the filters -------------------------------------------------------------------------------


def filter_gradient(x, dy, kernel_size, stride, padding, dilation, groups):
    """Return dw (F, C / groups, kh, kw) and db (F,) of a convolution of `x` whose output has the gradient `dy`.

    To finish a sum costs more than to compute a short one, so blocks should be long: small maps are stacked, and with
    many channels, for which the scratch buffer has only room for a few rows, a part of the channels comes after the
    other.
    """
    N, F, H_out, W_out = dy.shape
    C = x.shape[1] // groups
    threads = numba.get_num_threads()
    problem = ((H_out, W_out), tuple(kernel_size), stride, padding, dilation, x.itemsize, threads)
    channels, plan = C, plan_correlate2d(N, C, *problem)
    while groups == 1 and channels > FEWEST_CHANNELS and plan.block_rows < min(H_out, SHORTEST_SUM / plan.columns):
        channels = -(-channels // 2)
        plan = plan_correlate2d(N, channels, *problem)
    stack = 1
    if plan.block_rows == H_out:
        stack = max(1, min(-(-N // threads), SHORTEST_SUM // (H_out * W_out)))
        plan = plan_correlate2d(N, channels, *problem, stack=stack)
    dw = np.empty((F, C * kernel_size[0] * kernel_size[1]), dtype=x.dtype)
    db = np.empty(F, dtype=x.dtype)
    columns = LONG if F == groups else VECTORS
    for first in range(0, C, channels):
        part = min(channels, C - first)
        offsets = plan.offsets[: part * kernel_size[0] * kernel_size[1]]
        offsets = np.append(offsets, np.zeros(-len(offsets) % columns, np.int64))  # whole tiles
        _filter_gradient(x, dy, dw, db, groups, first, part, plan, stack, offsets, lanes_of(x.dtype), threads)
    return dw.reshape(F, C, *kernel_size), db


@jit(parallel=True)
def _filter_gradient(x, dy, dw, db, groups, first_channel, channels, plan, stack, offsets, lanes, threads):
    """Compute the columns of `dw` (F, C / groups * taps of a channel) that belong to some channels, and `db`."""
    N, F, H_out, W_out = dy.shape
    C = x.shape[1] // groups
    first_tap, own_taps = dw.shape[1] // C * first_channel, dw.shape[1] // C * channels
    F = F // groups
    panels = (F + ROWS - 1) // ROWS
    blocks = (H_out + plan.block_rows - 1) // plan.block_rows
    tasks = (N + stack - 1) // stack * blocks
    columns, taps = plan.columns, offsets.size
    level_size = (plan.block_rows + plan.halo) * columns
    longest = stack * level_size + VECTORS * lanes
    partial = np.zeros((threads, groups * panels * ROWS * taps), dy.dtype)  # sums of each thread
    partial_db = np.zeros((threads, F * groups), dy.dtype)
    for thread in numba.prange(threads):
        scratch = np.empty(channels * plan.plane_size + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        gradient = np.empty(ROWS * longest, dy.dtype)
        sums = partial[thread]
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            n, row = task // blocks * stack, task % blocks * plan.block_rows
            rows, levels = min(plan.block_rows, H_out - row), min(stack, N - n)
            count = (((levels - 1) * level_size + rows * columns) + lanes - 1) // lanes * lanes
            if levels < stack:  # where no image is loaded, the gradient is 0, but 0 * NaN is not
                clear_run(scratch, 0, scratch.size)
            for group in range(groups):
                for level in range(levels):
                    load_block(x, n + level, group * C + first_channel, channels, row, plan, line, scratch, level)
                for panel in range(panels):
                    first = panel * ROWS
                    clear_run(gradient, 0, (1 if F == 1 else ROWS) * longest)
                    for level in range(levels):
                        for k in range(min(ROWS, F - first)):
                            position = k * longest + level * level_size
                            f = group * F + first + k
                            _load_gradient(dy, n + level, f, row, rows, columns, gradient, position)
                            partial_db[thread, f] += sum_of(gradient[position : position + rows * columns])
                    start = (group * panels + panel) * ROWS * taps
                    if F == 1:
                        for tap in range(0, taps, LONG):
                            dot_row(gradient, 0, longest, scratch, offsets, tap, count, sums, start + tap, taps)
                    else:
                        for tap in range(0, taps, VECTORS):
                            dot_rows(gradient, 0, longest, scratch, offsets, tap, count, sums, start + tap, taps)
    for thread in range(1, threads):  # in a fixed order: the same number of threads gives the same bits
        partial[0] += partial[thread]
        partial_db[0] += partial_db[thread]
    db[:] = partial_db[0]
    for group in range(groups):
        for f in range(F):
            source = partial[0, (group * panels * ROWS + f) * taps :]
            for tap in range(own_taps):
                dw[group * F + f, first_tap + tap] = source[tap]


@jit
def _load_gradient(dy, n, f, row, rows, columns, gradient, position):
    """Copy rows of dy into the layout of the scratch buffer; the halo columns stay zero."""
    F, H_out, W_out = dy.shape[1], dy.shape[2], dy.shape[3]
    numbers = dy.reshape(dy.size)
    source = ((n * F + f) * H_out + row) * W_out
    if columns == W_out:
        copy_run(numbers, source, gradient, position, rows * columns)
    else:
        for r in range(rows):
            copy_run(numbers, source + r * W_out, gradient, position + r * columns, W_out)
