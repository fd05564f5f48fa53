"""The scratch: what a block of output rows needs of the input, laid out so that a window is a table of offsets.

A task is one image and a block of its output rows. The padded input rows that the block needs are copied into a
*scratch* small enough for the second-level cache, plane after plane. In it, the pixel under tap (c, ky, kx) of the
window of output number p lies at ``offset[c, ky, kx] + p``, the same offset for all p. So any convolution is one long
dot product along a table of offsets, over vectors of neighbouring outputs. The table absorbs kernel size, dilation and
stride: with stride s the scratch holds s * s phases of the input (every s-th pixel, from s * s starting points), and in
each of them neighbouring outputs are neighbours again.

The last columns of each scratch row are the halo of the window. Outputs computed there are wrong and are not kept.
On narrow maps, where they would be many, each horizontal tap has a copy of its own instead, shifted and without halo.
"""

import functools
from typing import NamedTuple

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.register_tile import VECTOR_BYTES, clear_run, copy_run, make_split

SCRATCH_BYTES = 400_000  # what a block's input may take of the second-level cache (1 MB on the machines measured)
NARROW = 64  # columns of maps on which each horizontal tap gets a copy without halo
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


# ---- filling it ----------------------------------------------------------------------------------------------


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
