"""The scratch buffer: the input of a block of output rows, stored such that a table of offsets describes a window.

A task is one image and a block of its output rows. The padded input rows that the block needs are copied into a
*scratch buffer* that fits the second-level cache, one channel after the other. The pixel under tap (c, ky, kx) of the
window of output number p is at ``offset[c, ky, kx] + p``, with the same offset for all p. So any convolution is one
long dot product along a table of offsets, over vectors of neighboring outputs. Kernel size, dilation and stride only
change the table: with stride s the buffer holds s * s *phases* of the input (every s-th pixel, from s * s starting
points), and in each phase the pixels of neighboring outputs are neighbors.

The last columns of each buffer row are the halo of the window. Outputs computed there are wrong and are not kept.
On narrow maps, where this would waste much, each horizontal tap has a phase of its own, shifted and without halo. So it
has for few channels, where a copy of each is cheap and whole rows of results can be written in place.
"""

import functools
from typing import NamedTuple

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.kernels.numba.engine.vector_moves import clear_run, copy_run, make_split, take_every_second
from minivision.kernels.numba.engine.vectors import VECTOR_BYTES

SCRATCH_BYTES = 400_000  # for the input of a block, in the second-level cache (1 MB on the machines measured)
NARROW_MAP = 64  # columns; up to this width each horizontal tap has a phase without halo
FEW_PHASES = 24  # of all channels: up to this number it has one on wide maps, too
LONGEST_BLOCK = 2048  # outputs; longer blocks are not faster and divide less evenly among threads


def size_of_phase(rows, columns):
    """Return the size of a phase in the buffer, with room for a vector that is written past its end."""
    return rows * columns + VECTOR_BYTES // 4


class Plan(NamedTuple):
    """The layout of the scratch buffer for one shape of input and filters."""

    first_row: int  # input row and column at which the buffer of output (0, 0) begins;
    first_column: int  # they may be outside the input
    step_y: int  # input rows and columns from one buffer row and column to the next
    step_x: int
    phases_y: np.ndarray  # first row of each phase
    phases_x: np.ndarray  # first column of each phase
    halo: int  # buffer rows in addition to the rows of a block
    columns: int  # length of a buffer row
    block_rows: int  # output rows in a block
    phase_size: int  # numbers in one phase
    plane_size: int  # numbers in one channel, with all its phases
    tap_starts: np.ndarray  # (phases of the output + 1,): where the taps of each phase begin in `offsets`
    offsets: np.ndarray  # for each output phase, channel and tap: position of its pixel minus that of the output


def _block_rows(tasks, rows, columns, halo, bytes_per_row):
    """Choose the number of output rows of a task: they fit the cache, and the tasks divide evenly among threads."""
    threads = numba.get_num_threads()
    block = max(1, min(rows, SCRATCH_BYTES // bytes_per_row - halo, max(1, LONGEST_BLOCK // columns)))
    while block > 1 and tasks * -(-rows // block) % threads and tasks * -(-rows // block) < 4 * threads:
        block -= 1
    return -(-rows // -(-rows // block))


@functools.lru_cache(maxsize=512)
def plan_correlate2d(images, channels, output_size, kernel_size, stride, padding, dilation, itemsize, threads, stack=1):
    """Plan the windows of a correlation over `images` maps of `channels` channels (of one group).

    `stack` is the number of images that are stored one below the other in the buffer.
    """
    (kh, kw), (sh, sw), (dh, dw) = kernel_size, stride, dilation
    rows, columns = output_size
    phases_y, phase_y, shift_y = _phases(np.arange(kh) * dh, sh)
    without_halo = _is_narrow(columns, kw) or channels * kw <= FEW_PHASES
    phases_x, phase_x, shift_x = _phases(np.arange(kw) * dw, 0 if without_halo else sw)
    phases = len(phases_y) * len(phases_x)
    halo, columns = int(shift_y[-1]), columns + int(shift_x[-1])
    block = _block_rows(images, rows, columns, halo, channels * phases * columns * itemsize)
    size = size_of_phase(stack * (block + halo), columns)
    plane = phases * size
    tap = (phase_y[:, None] * len(phases_x) + phase_x) * size + shift_y[:, None] * columns + shift_x  # (kh, kw)
    offsets = (np.arange(channels)[:, None] * plane + tap.ravel()).ravel()  # (C * kh * kw,)
    (top, _), (left, _) = padding
    taps = np.array([0, len(offsets)])
    return Plan(-top, -left, sh, sw, phases_y, phases_x, halo, columns, block, size, plane, taps, offsets)


def _is_narrow(columns, kernel):
    """Return whether halo columns would take a large part of the buffer, so that each tap gets its own phase."""
    return kernel > 1 and columns <= NARROW_MAP


def _phases(taps, step):
    """Divide the taps of one axis into phases; with `step` 0 each tap has its own phase.

    Returns
    -------
    phases : int64 ndarray
        Starting point of each phase.
    phase, shift : int64 ndarray of shape (taps,)
        For each tap its phase, and its position in the phase for the first window.
    """
    if step == 0:
        return taps, np.arange(len(taps)), np.zeros_like(taps)
    phases = np.unique(taps % step)
    return phases, np.searchsorted(phases, taps % step), taps // step


@functools.lru_cache(maxsize=512)
def plan_correlate2d_transpose(
    images, channels, output_size, kernel_size, stride, padding, dilation, itemsize, threads
):
    """Plan a transposed correlation as one small stride-1 correlation for each phase of the output.

    Tap k connects input row i with output row ``o = r * stride + phase`` if ``o + top = i * stride + k * dilation``.
    So a phase uses the taps with the right remainder, and i is r plus a constant of the tap. Returns the plan, the
    indices of the taps of all phases in ``kh * kw``, and where those of each phase begin.
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
    size = size_of_phase(block + halo, columns)
    plane = len(phases_x) * size
    where = dict(zip(shifts.tolist(), (phase_x * size + shift_x).tolist(), strict=True))
    offsets, begins, phase_taps = [], [0], []
    for phase_y in taps_y:
        for of_x in taps_x:
            tap = [(y - first[0]) * columns + where[x - first[1]] for _, y in phase_y for _, x in of_x]
            offsets.append((np.arange(channels)[:, None] * plane + np.array(tap, np.int64)).ravel())
            begins.append(begins[-1] + len(offsets[-1]))
            phase_taps.append(np.array([ky * kw + kx for ky, _ in phase_y for kx, _ in of_x], np.int64))
    offsets = np.concatenate([*offsets, [0]]).astype(np.int64)
    one = np.zeros(1, np.int64)
    plan = Plan(*first, 1, 1, one, phases_x, halo, columns, block, size, plane, np.array(begins), offsets)
    return plan, np.concatenate(phase_taps), np.cumsum([0] + [len(each) for each in phase_taps])


def _taps_by_phase(kernel, stride, before, dilation):
    """Return for each phase of the output its taps as ``(tap, shift)``: they use input row ``r + shift``."""
    return [
        [
            (k, (phase + before - k * dilation) // stride)
            for k in range(kernel)
            if (phase + before - k * dilation) % stride == 0
        ]
        for phase in range(stride)
    ]


# ---- filling the buffer ----------------------------------------------------------------------------------------


split_4 = make_split(4)


@jit
def line_size(plan):
    """Return the length of the buffer that :func:`load_block` needs: a padded input row, read in whole vectors."""
    return (plan.columns + VECTOR_BYTES // 4) * plan.step_x + plan.phases_x[-1]


@jit
def load_block(x, n, channel, channels, block_row, plan, line, scratch, level=0):
    """Copy the input rows of a block of output rows into the scratch buffer, with zeros outside the image.

    `channels` channels of image n are copied, from `channel` on. `line` is a buffer of :func:`line_size` numbers,
    `level` the position of the image in the stack.
    """
    C, H, W = x.shape[1], x.shape[2], x.shape[3]
    numbers = x.reshape(x.size)
    columns, step_x, phases = plan.columns, plan.step_x, plan.phases_x.size
    rows = plan.block_rows + plan.halo
    every_phase = phases == step_x and plan.phases_x[-1] == step_x - 1
    length = line_size(plan)
    for c in range(channels):
        plane = (n * C + channel + c) * H * W  # start of the plane
        for a in range(plan.phases_y.size):
            first = plan.first_row + block_row * plan.step_y + plan.phases_y[a]  # may be outside, as may the last
            begin = c * plan.plane_size + a * phases * plan.phase_size
            position = begin + level * rows * columns
            if step_x == 1 and plan.step_y == 1 and columns == W:
                for b in range(phases):
                    shift = plan.first_column + plan.phases_x[b]
                    _shift_rows(numbers, plane, H, W, first, shift, scratch, position + b * plan.phase_size, rows)
            else:
                for row in range(rows):
                    i = first + row * plan.step_y
                    place = position + row * columns
                    if i < 0 or i >= H:
                        for b in range(phases):
                            clear_run(scratch, place + b * plan.phase_size, columns)
                    elif step_x == 1:
                        for b in range(phases):
                            start = plan.first_column + plan.phases_x[b]
                            _pad_row(numbers, plane + i * W, W, start, scratch, place + b * plan.phase_size, columns)
                    elif step_x == 2:
                        _halve_row(numbers, plane + i * W, W, plan, line, scratch, place)
                    else:
                        _pad_row(numbers, plane + i * W, W, plan.first_column, line, 0, length)
                        if step_x == 4 and every_phase:
                            split_4(line, 0, scratch, place, plan.phase_size, columns)
                        else:
                            for b in range(phases):
                                for j in range(columns):
                                    scratch[place + b * plan.phase_size + j] = line[plan.phases_x[b] + j * step_x]
            for b in range(phases):  # tiles read past the end, where there must be numbers
                clear_run(scratch, begin + (b + 1) * plan.phase_size - VECTOR_BYTES // 4, VECTOR_BYTES // 4)
    clear_run(scratch, channels * plan.plane_size, scratch.size - channels * plan.plane_size)


@jit
def _pad_row(x, start, W, first, target, position, count):
    """Copy `count` columns, from column `first` on, of the row of length W that begins at x[start]; zeros outside."""
    begin = min(count, max(0, -first))
    end = max(begin, min(count, W - first))
    clear_run(target, position, begin)
    copy_run(x, start + first + begin, target, position + begin, end - begin)
    clear_run(target, position + end, count - end)


@jit
def _halve_row(x, start, W, plan, line, scratch, place):
    """Copy every second column of a row into each phase; zeros outside the image.

    The row is read where it stands, with the ends of its neighbors, and these are set to zero afterwards. Only where
    the array begins or ends, a padded copy is read.
    """
    length, begin = line_size(plan), start + plan.first_column
    in_place = begin >= 0 and begin + length <= x.size
    if not in_place:
        _pad_row(x, start, W, plan.first_column, line, 0, length)
    for b in range(plan.phases_x.size):
        shift, target = plan.first_column + plan.phases_x[b], place + b * plan.phase_size
        if in_place:
            take_every_second(x, start + shift, scratch, target, plan.columns)
            first, last = 0, plan.columns - 1
            while first <= last and shift + 2 * first < 0:
                scratch[target + first] = 0
                first += 1
            while last >= first and shift + 2 * last >= W:
                scratch[target + last] = 0
                last -= 1
        else:
            take_every_second(line, plan.phases_x[b], scratch, target, plan.columns)


@jit
def _shift_rows(x, plane, H, W, row, shift, target, position, rows):
    """Copy whole rows of the plane that begins at x[plane], shifted: ``target[r, j] = plane[row + r, shift + j]``.

    All rows are copied as one run; then the numbers that belong to the rows above or below are set to zero.
    """
    begin = min(rows, max(0, -row)) * W  # begin..end are in rows of the plane
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
