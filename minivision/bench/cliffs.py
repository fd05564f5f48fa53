"""Cliffs: neighboring sizes between which the time of an operation jumps by more than its work, and slopes.

A kernel that is well made takes about as long for 33 channels as for 32, and is not slower for its work with more of
them. Every size is timed along some lines through
all shapes: numbers of channels on a few maps, and maps of all sizes with a few numbers of channels. Processor time of
one thread is taken, the shortest of several calls, so that other load hardly matters; a jump counts only if it is there
again when both sizes are timed in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minivision import ops
from minivision.bench.entry import draw
from minivision.bench.work import works_of

FACTOR = 1.6  # by which the time grows more than the work
CHANNELS, MAPS = range(8, 161), range(7, 131)
FIXED_CHANNELS, FIXED_MAPS = (16, 64), (14, 28, 56)  # those of the lines along the other axis
SECONDS, CALLS = 0.008, 2  # at least, of each size
ROUNDS = 7  # of a jump that is timed again
CAUTION = 0.7  # smaller jumps are timed again too, those by the factor to this power: noise may hide a part of one


class Filters(NamedTuple):
    """Filters of a convolution that has as many filters as channels; `depthwise` has one for each channel."""

    name: str
    kernel: int
    stride: int
    padding: int
    transposed: bool = False
    depthwise: bool = False


FILTERS = (
    Filters("3x3", 3, 1, 1),
    Filters("1x1", 1, 1, 0),
    Filters("3x3 /2", 3, 2, 1),
    Filters("4x4 /2", 4, 2, 1, transposed=True),
    Filters("3x3 depthwise", 3, 1, 1, depthwise=True),
    Filters("5x5", 5, 1, 2),
)


def operations() -> list[str]:
    """Return the names of the operations whose cliffs are looked for."""
    return list(dict.fromkeys(name for filters in FILTERS for name in _passes(filters)))


def _passes(filters):
    return ("conv_transpose2d", "conv_transpose2d_backward") if filters.transposed else ("conv2d", "conv2d_backward")


class Line(NamedTuple):
    """An operation at all sizes along one axis: ``channels`` or ``map``; `fixed` is the size along the other one."""

    operation: str
    filters: Filters
    axis: str
    fixed: int
    sizes: Sequence[int]

    @property
    def title(self) -> str:
        """The operation with its filters."""
        return f"{self.operation} {self.filters.name}"

    def shape(self, size: int) -> tuple[int, int]:
        """Return channels, and rows and columns of a map."""
        return (size, self.fixed) if self.axis == "channels" else (self.fixed, size)

    def call(self, size: int, batch: int) -> Callable[[], Any]:
        """Return the operation at a size, without arguments."""
        return _call(self.operation, self.filters, batch, *self.shape(size))


def lines(names: Sequence[str] = ()) -> list[Line]:
    """Return the lines of these operations; of all if there are no names."""
    found = []
    for filters in FILTERS:
        for operation in _passes(filters):
            if not names or operation in names:
                found += [Line(operation, filters, "channels", side, CHANNELS) for side in FIXED_MAPS]
                found += [Line(operation, filters, "map", count, MAPS) for count in FIXED_CHANNELS]
    return found


def _call(operation, filters, batch, channels, side):
    k, geometry = filters.kernel, {"stride": filters.stride, "padding": filters.padding}
    if filters.depthwise:
        geometry["groups"] = channels
    x = draw(batch, channels, side, side)
    w = draw(channels, 1 if filters.depthwise else channels, k, k)
    name = operation.removesuffix("_backward")
    if name == operation:
        return lambda: getattr(ops, name)(x, w, **geometry)
    dy = draw(*getattr(ops, name)(x, w, **geometry).shape)
    return lambda: getattr(ops, operation)(dy, x, w, **geometry)


class Timed(NamedTuple):
    """The times of a line: shortest seconds and multiply-adds of each of its sizes."""

    line: Line
    seconds: list[float]
    multiply_adds: list[int]


class Cliff(NamedTuple):
    """A jump of the time between two sizes: neighbors, or the ends of a slope.

    Attributes
    ----------
    operation, axis, fixed
        As of its :class:`Line`.
    smaller, larger : int
        The two sizes.
    milliseconds : (float, float)
        Of both, when they were timed in turns.
    work : float
        Multiply-adds of the larger one over those of the smaller one.
    factor : float
        By how much the slower one takes too long; see :func:`find_jumps`.
    slow : int
        The size that takes too long.
    """

    operation: str
    axis: str
    fixed: int
    smaller: int
    larger: int
    milliseconds: tuple[float, float]
    work: float
    factor: float
    slow: int


def thread_seconds(call: Callable[[], Any], *, seconds: float = SECONDS, calls: int = CALLS) -> float:
    """Return the shortest processor time of a call in this thread, after one that is not measured."""
    call()
    times: list[float] = []
    end = time.thread_time() + seconds
    while len(times) < calls or time.thread_time() < end:
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times)


def time_line(line: Line, *, batch: int = 1) -> Timed:
    """Time an operation at all sizes of a line."""
    seconds, multiply_adds = [], []
    for size in line.sizes:
        call = line.call(size, batch)
        (work,) = works_of(call)
        seconds.append(thread_seconds(call))
        multiply_adds.append(work.multiply_adds if work else 0)
    return Timed(line, seconds, multiply_adds)


def find_jumps(seconds: Sequence[float], work: Sequence[float], *, factor: float = FACTOR) -> list[tuple[int, float]]:
    """Find neighbors whose times differ too much.

    Where the second one takes too long, its time has grown by more than the factor beyond the work. Where the first one
    does, the time falls by more than the factor, although the work does not.

    Parameters
    ----------
    seconds, work : sequence of float
        Of sizes in order.
    factor : float
        Greater than 1.

    Returns
    -------
    jumps : list of (int, float)
        Number of the first of two neighbors, and the ratio: above 1 if the second one takes too long, below 1 if the
        first one does.
    """
    jumps = []
    for k in range(len(seconds) - 1):
        grown, more_work = seconds[k + 1] / seconds[k], work[k + 1] / work[k]
        if grown > factor * max(more_work, 1):
            jumps.append((k, grown / max(more_work, 1)))
        elif grown < min(more_work, 1) / factor:
            jumps.append((k, grown / min(more_work, 1)))
    return jumps


def find_decline(seconds: Sequence[float], work: Sequence[float], *, factor: float = FACTOR) -> list[tuple[int, int]]:
    """Find the size that is slowest for its work, beside a smaller one that is fast: a slope that no jump shows.

    Rates of work are compared, each the median of a size and its neighbors.

    Returns
    -------
    pairs : list of (int, int)
        Numbers of the fast one and of the slow one, if their rates differ by more than the factor; else nothing.
    """
    rates = np.asarray(work) / np.asarray(seconds)
    rates = np.array([np.median(rates[max(k - 1, 0) : k + 2]) for k in range(len(rates))])
    best = np.maximum.accumulate(rates)
    slow = int(np.argmax(best / rates))
    fast = int(np.argmax(rates[: slow + 1]))
    return [(fast, slow)] if rates[fast] > factor * rates[slow] else []


def find_cliffs(timed: Timed, *, batch: int = 1, factor: float = FACTOR) -> Iterator[Cliff]:
    """Yield the jumps of a line that are there again when both sizes are timed in turns; without any, its decline."""
    _, seconds, work = timed
    careful = factor**CAUTION
    jumps = [(k, k + 1) for k, _ in find_jumps(seconds, work, factor=careful)]
    found = [cliff for pair in jumps for cliff in _again(timed, pair, batch, factor)]
    declines = [] if found else find_decline(seconds, work, factor=careful)
    yield from found
    for pair in declines:
        yield from _again(timed, pair, batch, factor)


def _again(timed, pair, batch, factor):
    """Time two sizes of a line in turns; yield the cliff if it is there."""
    line = timed.line
    first, second = (line.sizes[k] for k in pair)
    before, after = _pair_seconds(line.call(first, batch), line.call(second, batch))
    work = [timed.multiply_adds[k] for k in pair]
    for _, ratio in find_jumps([before, after], work, factor=factor):
        slow = second if ratio > 1 else first
        yield Cliff(line.title, line.axis, line.fixed, first, second, (1e3 * before, 1e3 * after), work[1] / work[0],
                    max(ratio, 1 / ratio), slow)  # fmt: skip


def _pair_seconds(first, second):
    """Return the shortest times of both over turns: on a core that is shared, some turns are slow for either."""
    turns = [[thread_seconds(call) for call in (first, second)] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*turns, strict=True)]


def table(cliffs: Sequence[Cliff], *, rows: int = 40) -> list[str]:
    """Return lines that show the cliffs, the worst first."""
    if not cliffs:
        return ["no cliffs"]
    ordered = sorted(cliffs, key=lambda cliff: -cliff.factor)
    lines = [f"{'operation':<42} {'at':<15} {'sizes':<19} {'ms':>17} {'time':>6} {'work':>6} {'factor':>7}  too slow"]
    for cliff in ordered[:rows]:
        other = "map" if cliff.axis == "channels" else "channels"
        at = f"{other} {cliff.fixed}"
        sizes = f"{cliff.axis} {cliff.smaller}, {cliff.larger}"
        before, after = cliff.milliseconds
        lines.append(
            f"{cliff.operation:<42} {at:<15} {sizes:<19} {before:>8.3f} {after:>8.3f} {after / before:>6.2f} "
            f"{cliff.work:>6.2f} {cliff.factor:>7.2f}  {cliff.slow}"
        )
    more = len(ordered) - rows
    return [*lines, *([f"and {more} more"] if more > 0 else [])]


def sweep(
    names: Sequence[str] = (), *, batch: int = 1, factor: float = FACTOR, minutes: float = float("inf")
) -> Iterator[tuple[Timed, list[Cliff]]]:
    """Time all lines of some operations and find their cliffs, until the time is over.

    Yields
    ------
    timed : Timed
    cliffs : list of Cliff
        Those of this line.
    """
    end = time.monotonic() + 60 * minutes
    for line in lines(names):
        if time.monotonic() > end:
            return
        timed = time_line(line, batch=batch)
        yield timed, list(find_cliffs(timed, batch=batch, factor=factor))


def as_json(timed: Timed) -> dict[str, Any]:
    """Return a line with its times in milliseconds."""
    line = timed.line
    return {
        "operation": line.title,
        "axis": line.axis,
        "fixed": line.fixed,
        "sizes": list(line.sizes),
        "milliseconds": [1e3 * each for each in timed.seconds],
        "multiply_adds": np.asarray(timed.multiply_adds).tolist(),
    }
