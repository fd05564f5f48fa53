"""Sliding dot products without im2col: three kernels from which every convolution pass is made.

================== =========================================================================
`correlate`        slides filters over x: convolution forward, transpose convolution backward
`spread`           writes weighted copies of filters: their transposes
`filter_gradient`  sums products over all places: the gradient of the filters of both
================== =========================================================================

All rest on one idea. A task is one image and a block of its output rows. The padded input rows that the block needs
are copied into a *scratch* small enough for the second-level cache, plane after plane. In the scratch, the pixel
under tap (c, ky, kx) of the window of output number p lies at ``offset[c, ky, kx] + p``, the same offset for all p.
So any convolution is one long dot product along a table of offsets, over vectors of neighbouring outputs. The table
absorbs kernel size, dilation and stride: with stride s the scratch holds s * s phases of the input (every s-th
pixel, from s * s starting points), and in each of them neighbouring outputs are neighbours again.

The last columns of each scratch row are the halo of the window. Outputs computed there are wrong and are not kept.
On narrow maps, where they would be many, each horizontal tap has a copy of its own instead, shifted and without halo.
"""

import functools
from typing import NamedTuple

import numba
import numpy as np

from minivision.kernels.numba.compile import jit
from minivision.kernels.numba.register_tile import (
    ROWS,
    VECTOR_BYTES,
    VECTORS,
    clear_run,
    copy_run,
    dot_rows,
    lanes_of,
    make_split,
    multiply_rows_1,
    multiply_rows_2,
    multiply_rows_3,
)

SCRATCH_BYTES = 400_000  # what a block's input may take of the second-level cache (1 MB on the machines measured)
NARROW = 64  # columns of maps on which each horizontal tap gets a copy without halo
SHORTEST_SUM = 512  # numbers in the sums of a filter's gradient, at least, where there are enough
LONGEST_BLOCK = 2048  # outputs; longer blocks gain nothing and divide less evenly


def phase_size(rows, columns):
    """Return the numbers that a phase takes in the scratch, with room for a vector written past its end."""
    return rows * columns + VECTOR_BYTES // 4


class Plan(NamedTuple):
    """Where everything lies in the scratch, for one shape of problem."""

    first_row: int  # the input row and column that the scratch of output (0, 0) begins with;
    first_column: int  # they may lie outside the input
    step_y: int  # input rows and columns from one scratch row and column to the next
    step_x: int
    phases_y: np.ndarray  # the starting points, vertically
    phases_x: np.ndarray  # and horizontally
    halo: int  # rows of scratch beyond the rows of a block
    columns: int  # length of a scratch row
    block: int  # output rows in a block
    phase: int  # scratch numbers of one phase
    plane: int  # scratch numbers of one channel, all its phases
    taps: np.ndarray  # (outputs' phases + 1,): where each phase's part of `offsets` begins
    offsets: np.ndarray  # for each output phase, channel and tap: where its pixel lies, counted from the output's


def _block_rows(tasks, rows, columns, halo, bytes_per_row):
    """Choose how many output rows a task takes: few enough for the cache, dividing evenly among the threads."""
    threads = numba.get_num_threads()
    block = max(1, min(rows, SCRATCH_BYTES // bytes_per_row - halo, max(1, LONGEST_BLOCK // columns)))
    while block > 1 and tasks * -(-rows // block) % threads and tasks * -(-rows // block) < 4 * threads:
        block -= 1
    return -(-rows // -(-rows // block))


@functools.lru_cache(maxsize=512)
def plan_correlate(images, channels, output_size, kernel_size, stride, padding, dilation, itemsize, threads, stack=1):
    """Plan the windows of a convolution over `images` maps of `channels` channels (of one group).

    `stack` is how many images lie one below the other in the scratch.
    """
    (kh, kw), (sh, sw), (dh, dw) = kernel_size, stride, dilation
    rows, columns = output_size
    phases_y, phase_y, shift_y = _phases(np.arange(kh) * dh, sh)
    phases_x, phase_x, shift_x = _phases(np.arange(kw) * dw, 0 if _is_narrow(columns, kw) else sw)
    phases = len(phases_y) * len(phases_x)
    halo, columns = int(shift_y[-1]), columns + int(shift_x[-1])
    block = _block_rows(images, rows, columns, halo, channels * phases * columns * itemsize)
    size = phase_size(stack * (block + halo), columns)
    plane = phases * size
    tap = (phase_y[:, None] * len(phases_x) + phase_x) * size + shift_y[:, None] * columns + shift_x  # (kh, kw)
    offsets = (np.arange(channels)[:, None] * plane + tap.ravel()).ravel()  # (C * kh * kw,)
    (top, _), (left, _) = padding
    taps = np.array([0, len(offsets)])
    return Plan(-top, -left, sh, sw, phases_y, phases_x, halo, columns, block, size, plane, taps, offsets)


def _is_narrow(columns, kernel):
    """Say whether the halo columns would be a large part of the scratch: then each tap gets a phase of its own."""
    return kernel > 1 and columns <= NARROW


def _phases(taps, step):
    """Divide the taps of one axis into phases; a `step` of 0 gives each tap its own.

    Returns
    -------
    phases : ndarray
        The starting points.
    phase, shift : ndarray
        For each tap its phase, and where in it the first window finds the tap.
    """
    if step == 0:
        return taps, np.arange(len(taps)), np.zeros_like(taps)
    phases = np.unique(taps % step)
    return phases, np.searchsorted(phases, taps % step), taps // step


@functools.lru_cache(maxsize=512)
def plan_spread(images, channels, output_size, kernel_size, stride, padding, dilation, itemsize, threads):
    """Plan a transpose convolution as one small stride-1 convolution for each phase of the output.

    Output row ``o = r * stride + phase`` is reached from input row i through tap k where
    ``o + top = i * stride + k * dilation``: the taps of a phase are those with the right remainder, and i is r plus
    a constant of the tap. Returns the plan and, for each phase, the indices of its taps in ``kh * kw``.
    """
    (kh, kw), (sh, sw), (dh, dw) = kernel_size, stride, dilation
    (top, _), (left, _) = padding
    taps_y = _taps_by_phase(kh, sh, top, dh)
    taps_x = _taps_by_phase(kw, sw, left, dw)
    shifts_y = [shift for phase in taps_y for _, shift in phase]
    shifts_x = [shift for phase in taps_x for _, shift in phase]
    first = (min(shifts_y), min(shifts_x))
    rows, columns = -(-output_size[0] // sh), -(-output_size[1] // sw)
    shifts = np.unique(shifts_x) - first[1]
    phases_x, phase_x, shift_x = _phases(shifts, 0 if _is_narrow(columns, len(shifts)) else 1)
    halo, columns = max(shifts_y) - first[0], columns + int(shift_x[-1])
    block = _block_rows(images, rows, columns, halo, channels * len(phases_x) * columns * itemsize)
    size = phase_size(block + halo, columns)
    plane = len(phases_x) * size
    where = dict(zip(shifts.tolist(), (phase_x * size + shift_x).tolist(), strict=True))
    offsets, begins, chosen = [], [0], []
    for phase_y in taps_y:
        for of_x in taps_x:
            tap = [(y - first[0]) * columns + where[x - first[1]] for _, y in phase_y for _, x in of_x]
            offsets.append((np.arange(channels)[:, None] * plane + np.array(tap, np.int64)).ravel())
            begins.append(begins[-1] + len(offsets[-1]))
            chosen.append(np.array([ky * kw + kx for ky, _ in phase_y for kx, _ in of_x], np.int64))
    offsets = np.concatenate([*offsets, [0]]).astype(np.int64)
    one = np.zeros(1, np.int64)
    plan = Plan(*first, 1, 1, one, phases_x, halo, columns, block, size, plane, np.array(begins), offsets)
    return plan, tuple(chosen)


def _taps_by_phase(kernel, stride, before, dilation):
    """Return for each phase of the output the ``(tap, shift)`` that reach it from input ``r + shift``."""
    return [
        [
            (k, (phase + before - k * dilation) // stride)
            for k in range(kernel)
            if (phase + before - k * dilation) % stride == 0
        ]
        for phase in range(stride)
    ]


def pack_filters(w):
    """Reorder filters ``(F, taps)`` to ``(F / ROWS, taps, ROWS)``, the order in which the register tile reads them.

    F is filled up to a multiple of ROWS with zeros.
    """
    F, taps = w.shape
    panels = -(-F // ROWS)
    padded = np.zeros((panels * ROWS, taps), dtype=w.dtype)
    padded[:F] = w
    return np.ascontiguousarray(padded.reshape(panels, ROWS, taps).transpose(0, 2, 1)).ravel()


def _pack_groups(w, groups):
    """Pack ``(groups * F, taps)`` group by group."""
    return np.concatenate([pack_filters(part) for part in np.split(w, groups)])


def _pack_bias(b, filters, groups, dtype):
    padded = np.zeros((groups, -(-filters // ROWS) * ROWS), dtype=dtype)
    if b is not None:
        padded[:, :filters] = b.reshape(groups, filters)
    return padded.ravel()


# ---- the scratch -----------------------------------------------------------------------------------------------


split_2, split_4 = make_split(2), make_split(4)


@jit
def line_size(plan):
    """Return the length of the buffer that :func:`load` needs for one padded row of the input."""
    return (plan.columns + VECTOR_BYTES // 4) * plan.step_x + plan.phases_x[-1]


@jit
def load(x, n, channel, channels, block_row, plan, line, scratch, level=0):
    """Copy what a block of output rows needs of `channels` channels of image n into the scratch, zeros outside.

    `line` is a buffer of :func:`line_size` numbers, `level` the image's place among those stacked.
    """
    C, H, W = x.shape[1], x.shape[2], x.shape[3]
    numbers = x.reshape(x.size)
    columns, step_x, phases = plan.columns, plan.step_x, plan.phases_x.size
    rows = plan.block + plan.halo
    every_phase = phases == step_x and plan.phases_x[-1] == step_x - 1
    for c in range(channels):
        plane = (n * C + channel + c) * H * W  # where the plane begins
        for a in range(plan.phases_y.size):
            first = plan.first_row + block_row * plan.step_y + plan.phases_y[a]  # may lie outside, as may the last
            begin = c * plan.plane + a * phases * plan.phase
            position = begin + level * rows * columns
            if step_x == 1 and plan.step_y == 1 and columns == W:
                for b in range(phases):
                    shift = plan.first_column + plan.phases_x[b]
                    _shift_rows(numbers, plane, H, W, first, shift, scratch, position + b * plan.phase, rows)
            else:
                for row in range(rows):
                    i = first + row * plan.step_y
                    place = position + row * columns
                    if i < 0 or i >= H:
                        for b in range(phases):
                            clear_run(scratch, place + b * plan.phase, columns)
                    elif step_x == 1:
                        for b in range(phases):
                            start = plan.first_column + plan.phases_x[b]
                            _pad_row(numbers, plane + i * W, W, start, scratch, place + b * plan.phase, columns)
                    else:
                        _pad_row(numbers, plane + i * W, W, plan.first_column, line, 0, line.size)
                        if step_x == 2 and every_phase:
                            split_2(line, 0, scratch, place, plan.phase, columns)
                        elif step_x == 4 and every_phase:
                            split_4(line, 0, scratch, place, plan.phase, columns)
                        else:
                            for b in range(phases):
                                for j in range(columns):
                                    scratch[place + b * plan.phase + j] = line[plan.phases_x[b] + j * step_x]
            for b in range(phases):  # tiles read past the end: what they find there must be a number
                clear_run(scratch, begin + (b + 1) * plan.phase - VECTOR_BYTES // 4, VECTOR_BYTES // 4)
    clear_run(scratch, channels * plan.plane, scratch.size - channels * plan.plane)


@jit
def _pad_row(x, start, W, first, target, position, count):
    """Copy `count` columns, from column `first` on, of the row of length W that begins at x[start]; zeros outside."""
    begin = min(count, max(0, -first))
    end = max(begin, min(count, W - first))
    clear_run(target, position, begin)
    copy_run(x, start + first + begin, target, position + begin, end - begin)
    clear_run(target, position + end, count - end)


@jit
def _shift_rows(x, plane, H, W, row, shift, target, position, rows):
    """Copy whole rows of the plane that begins at x[plane], shifted: ``target[r, j] = plane[row + r, shift + j]``.

    All rows are copied as one run, and what came over from their neighbours is then set to zero.
    """
    begin = min(rows, max(0, -row)) * W  # begin..end lie in rows of the plane
    end = max(begin, min(rows, max(0, H - row)) * W)
    offset = row * W + shift  # target[i] = plane[i + offset]
    first, last = max(begin, -offset), min(end, H * W - offset)
    clear_run(target, position, min(first, rows * W))
    copy_run(x, plane + first + offset, target, position + first, last - first)
    clear_run(target, position + max(0, last), rows * W - max(0, last))
    for start in range(position + begin, position + end, W):
        for j in range(min(W, -shift)):
            target[start + j] = 0
        for j in range(max(0, W - shift), W):
            target[start + j] = 0


@jit
def multiply(x, offsets, taps, w, w_start, b, b_start, y, y_start, y_stride, count, lanes):
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


# ---- forward: slide --------------------------------------------------------------------------------------------


def correlate(x, w, b, stride, padding, dilation, groups, output_size):
    """Slide filters `w` (F, C / groups, kh, kw) over `x`; the arguments of ``conv2d`` and the output's size."""
    F, C, kh, kw = w.shape
    N = x.shape[0]
    y = np.empty((N, F, *output_size), dtype=x.dtype)
    threads = numba.get_num_threads()
    plan = plan_correlate(N * groups, C, output_size, (kh, kw), stride, padding, dilation, x.itemsize, threads)
    filters = _pack_groups(w.reshape(F, -1), groups)
    _correlate(x, filters, _pack_bias(b, F // groups, groups, x.dtype), y, groups, plan, lanes_of(x.dtype), threads)
    return y


@jit(parallel=True)
def _correlate(x, w, b, y, groups, plan, lanes, threads):
    N, F, H_out, W_out = y.shape
    C = x.shape[1] // groups
    F = F // groups
    panels = (F + ROWS - 1) // ROWS  # of ROWS filters each
    blocks = (H_out + plan.block - 1) // plan.block
    tasks = N * groups * blocks
    columns, taps = plan.columns, plan.offsets.size
    longest = plan.block * columns + VECTORS * lanes
    numbers = y.reshape(y.size)
    for thread in numba.prange(threads):
        scratch = np.empty(C * plan.plane + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        result = np.empty(ROWS * longest, x.dtype)
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            n, group, row = task // (groups * blocks), task // blocks % groups, task % blocks * plan.block
            rows = min(plan.block, H_out - row)
            load(x, n, group * C, C, row, plan, line, scratch)
            count = rows * columns
            whole = columns == W_out and count % lanes == 0  # tiles end where the rows do: no detour
            for panel in range(panels):
                w_start, b_start = (group * panels + panel) * taps * ROWS, (group * panels + panel) * ROWS
                filters = min(ROWS, F - panel * ROWS)
                first = group * F + panel * ROWS
                if whole and filters == ROWS:
                    start = ((n * groups * F + first) * H_out + row) * W_out
                    multiply(
                        scratch, plan.offsets, taps, w, w_start, b, b_start, numbers, start, H_out * W_out, count, lanes
                    )
                    continue
                multiply(scratch, plan.offsets, taps, w, w_start, b, b_start, result, 0, longest, count, lanes)
                for k in range(filters):
                    for r in range(rows):
                        target = ((n * groups * F + first + k) * H_out + row + r) * W_out
                        copy_run(result, k * longest + r * columns, numbers, target, W_out)


# ---- transpose: write copies -----------------------------------------------------------------------------------


def spread(x, w, b, stride, padding, dilation, groups, output_size):
    """Write copies of filters `w` (C, F / groups, kh, kw); ``conv_transpose2d`` with the output's size given."""
    C, F, kh, kw = w.shape  # of all groups together, of one group
    N = x.shape[0]
    y = np.empty((N, F * groups, *output_size), dtype=x.dtype)
    threads = numba.get_num_threads()
    plan, chosen = plan_spread(
        N * groups, C // groups, output_size, (kh, kw), stride, padding, dilation, x.itemsize, threads
    )
    # (C, F, taps) -> (groups, F, C / groups, taps), then for each output phase the filters of its taps
    taps = w.reshape(groups, C // groups, F, kh * kw).transpose(0, 2, 1, 3)
    filters = [_pack_groups(taps[..., phase].reshape(groups * F, C // groups * len(phase)), groups) for phase in chosen]
    begins = np.cumsum([0] + [part.size for part in filters])
    bias = _pack_bias(b, F, groups, x.dtype)
    _spread(x, np.concatenate(filters), begins, bias, y, groups, stride, plan, lanes_of(x.dtype), threads)
    return y


@jit(parallel=True)
def _spread(x, w, w_begins, b, y, groups, stride, plan, lanes, threads):
    N, F, H_out, W_out = y.shape
    C = x.shape[1] // groups
    F = F // groups
    sh, sw = stride
    phases = sh * sw
    panels = (F + ROWS - 1) // ROWS
    all_rows = (H_out + sh - 1) // sh
    blocks = (all_rows + plan.block - 1) // plan.block
    tasks = N * groups * blocks
    columns = plan.columns
    longest = plan.block * columns + VECTORS * lanes
    for thread in numba.prange(threads):
        scratch = np.empty(C * plan.plane + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        result = np.empty(phases * ROWS * longest, x.dtype)
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            n, group, row = task // (groups * blocks), task // blocks % groups, task % blocks * plan.block
            rows = min(plan.block, all_rows - row)
            load(x, n, group * C, C, row, plan, line, scratch)
            for panel in range(panels):
                for phase in range(phases):
                    taps = plan.taps[phase + 1] - plan.taps[phase]
                    offsets = plan.offsets[plan.taps[phase] :]
                    w_start = w_begins[phase] + (group * panels + panel) * taps * ROWS
                    multiply(
                        scratch,
                        offsets,
                        taps,
                        w,
                        w_start,
                        b,
                        (group * panels + panel) * ROWS,
                        result,
                        phase * ROWS * longest,
                        longest,
                        rows * columns,
                        lanes,
                    )
                for k in range(min(ROWS, F - panel * ROWS)):
                    for r in range(rows):
                        for phase_y in range(min(sh, H_out - (row + r) * sh)):
                            target = y[n, group * F + panel * ROWS + k, (row + r) * sh + phase_y]
                            start = (phase_y * sw * ROWS + k) * longest + r * columns
                            interleave(result, start, ROWS * longest, sw, 0, target)


@jit
def interleave(phases, start, distance, count, plus, target):
    """Write ``target[j * count + phase] = phases[start + phase * distance + j] + plus``."""
    if count == 1:
        source = phases[start:]
        for j in range(target.size):
            target[j] = source[j] + plus
    elif count == 2:
        even, odd = phases[start:], phases[start + distance :]
        half = target.size // 2
        for j in range(half):
            target[2 * j] = even[j] + plus
            target[2 * j + 1] = odd[j] + plus
        if target.size % 2:
            target[2 * half] = even[half] + plus
    else:
        whole = 0
        if count == 4:
            first, second = phases[start:], phases[start + distance :]
            third, fourth = phases[start + 2 * distance :], phases[start + 3 * distance :]
            whole = target.size // 4
            for j in range(whole):
                target[4 * j] = first[j] + plus
                target[4 * j + 1] = second[j] + plus
                target[4 * j + 2] = third[j] + plus
                target[4 * j + 3] = fourth[j] + plus
        for phase in range(count):
            source = phases[start + phase * distance :]
            for j in range(whole, (target.size - phase + count - 1) // count):
                target[j * count + phase] = source[j] + plus


# ---- the gradient of the filters -------------------------------------------------------------------------------


def filter_gradient(x, dy, kernel_size, stride, padding, dilation, groups):
    """Return dw (F, C / groups, kh, kw) and db (F,) of a convolution of `x` whose output has the gradient `dy`."""
    N, F, H_out, W_out = dy.shape
    C = x.shape[1] // groups
    threads = numba.get_num_threads()
    problem = (N, C, (H_out, W_out), tuple(kernel_size), stride, padding, dilation, x.itemsize, threads)
    plan = plan_correlate(*problem)
    stack = 1
    if plan.block == H_out:  # small maps are stacked: short sums would cost more to close than to take
        stack = max(1, min(-(-N // threads), SHORTEST_SUM // (H_out * W_out)))
        plan = plan_correlate(*problem, stack=stack)
    dw = np.empty((F, len(plan.offsets)), dtype=x.dtype)
    offsets = np.append(plan.offsets, np.zeros(-len(plan.offsets) % VECTORS, np.int64))  # whole tiles
    db = np.empty(F, dtype=x.dtype)
    _filter_gradient(x, dy, dw, db, groups, plan, stack, offsets, lanes_of(x.dtype), threads)
    return dw.reshape(F, C, *kernel_size), db


@jit(parallel=True)
def _filter_gradient(x, dy, dw, db, groups, plan, stack, offsets, lanes, threads):
    N, F, H_out, W_out = dy.shape
    C = x.shape[1] // groups
    F = F // groups
    panels = (F + ROWS - 1) // ROWS
    blocks = (H_out + plan.block - 1) // plan.block
    tasks = (N + stack - 1) // stack * blocks
    columns, taps = plan.columns, offsets.size
    level_size = (plan.block + plan.halo) * columns
    longest = stack * level_size + VECTORS * lanes
    partial = np.zeros((threads, groups * panels * ROWS * taps), dy.dtype)  # each thread its own sums
    partial_db = np.zeros((threads, F * groups), dy.dtype)
    for thread in numba.prange(threads):
        scratch = np.empty(C * plan.plane + VECTORS * lanes, x.dtype)
        line = np.empty(line_size(plan), x.dtype)
        gradient = np.empty(ROWS * longest, dy.dtype)
        sums = partial[thread]
        for task in range(thread * tasks // threads, (thread + 1) * tasks // threads):
            n, row = task // blocks * stack, task % blocks * plan.block
            rows, levels = min(plan.block, H_out - row), min(stack, N - n)
            count = (((levels - 1) * level_size + rows * columns) + lanes - 1) // lanes * lanes
            for group in range(groups):
                for level in range(levels):
                    load(x, n + level, group * C, C, row, plan, line, scratch, level)
                for panel in range(panels):
                    first = panel * ROWS
                    clear_run(gradient, 0, gradient.size)
                    for level in range(levels):
                        for k in range(min(ROWS, F - first)):
                            position = k * longest + level * level_size
                            f = group * F + first + k
                            _load_gradient(dy, n + level, f, row, rows, columns, gradient, position)
                            partial_db[thread, f] += _sum(gradient[position : position + rows * columns])
                    start = (group * panels + panel) * ROWS * taps
                    for tap in range(0, taps, VECTORS):
                        dot_rows(gradient, 0, longest, scratch, offsets, tap, count, sums, start + tap, taps)
    for thread in range(1, threads):  # in a fixed order, so that the same threads give the same bits
        partial[0] += partial[thread]
        partial_db[0] += partial_db[thread]
    db[:] = partial_db[0]
    for group in range(groups):
        for f in range(F):
            source = partial[0, (group * panels * ROWS + f) * taps :]
            for tap in range(dw.shape[1]):
                dw[group * F + f, tap] = source[tap]


@jit(fastmath={"reassoc", "nsz"})  # in any order, so in vectors
def _sum(numbers):
    total = numbers.dtype.type(0)
    for i in range(numbers.size):
        total += numbers[i]
    return total


@jit
def _load_gradient(dy, n, f, row, rows, columns, gradient, position):
    """Lay rows of dy out like the scratch; the halo columns keep the zeros they have."""
    F, H_out, W_out = dy.shape[1], dy.shape[2], dy.shape[3]
    numbers = dy.reshape(dy.size)
    source = ((n * F + f) * H_out + row) * W_out
    if columns == W_out:
        copy_run(numbers, source, gradient, position, rows * columns)
    else:
        for r in range(rows):
            copy_run(numbers, source + r * W_out, gradient, position + r * columns, W_out)
