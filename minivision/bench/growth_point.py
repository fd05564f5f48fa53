"""Time and memory of a step of one size, in a process of its own: ``python -m minivision.bench.growth_point POINT``.

POINT is a :class:`Point` as JSON; a line of JSON is printed, with the fields of :class:`Figures`. A process has one
library only and one size, so that its peak memory is that of this step.
"""

from __future__ import annotations

import json
import pathlib
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

SECONDS, CALLS = 0.8, 3  # at least, of each size
STEPS = ("block", "encoder-decoder")
SMALL = {"batch": 1, "channels": 8, "side": 32}  # a step before, which loads and compiles everything
OURS, TORCH = "minivision", "torch"
_CLEAR_PEAK = "5"  # what Linux takes to set the peak back; proc(5)


class Point(NamedTuple):
    """A step of one size, and who computes it: ``"minivision"`` or ``"torch"``."""

    step: str
    library: str
    batch: int
    channels: int
    side: int
    threads: int


class Figures(NamedTuple):
    """What was measured.

    Attributes
    ----------
    milliseconds : float
        Median time of a step: of the processor on one thread, else of the clock.
    array_bytes : int or None
        Peak of the arrays of a step on one thread, without those that were there before, as NumPy reports it to
        tracemalloc. PyTorch reports nothing.
    process_bytes : int or None
        Peak of the memory of the process, beyond that after a small step; None where the system does not tell.
    """

    milliseconds: float
    array_bytes: int | None
    process_bytes: int | None


def make_step(step: str, torch: ModuleType | None, batch: int, channels: int, side: int) -> Callable[[], Any]:
    """Return a function that runs a step: with PyTorch if that is given.

    A ``"block"`` is a convolution of 3 x 3 with as many filters as channels, batch normalization and ReLU, forward and
    backward. ``"encoder-decoder"`` is a training step of that system, which has its own channels.
    """
    if step == "block":
        return _block(torch, batch, channels, side)
    from minivision.bench.operations import training_step

    entry = training_step(torch, images=batch, side=side)
    return entry.theirs if torch and entry.theirs else entry.ours


def _block(torch, batch, channels, side):
    from minivision import layers
    from minivision.bench.entry import draw

    convolution = layers.Conv2d(channels, channels, 3, padding=1)
    block = layers.Sequential(convolution, layers.BatchNorm2d(channels), layers.ReLU())
    x = draw(batch, channels, side, side)
    dy = x[::-1].copy()
    if torch is None:

        def ours():
            block.zero_gradients()
            block.forward(x, training=True)
            return block.backward(dy)

        return ours
    from minivision.bench.torch_equivalent import layer_converter

    network = layer_converter([])(block)
    images, upstream = torch.from_numpy(x).requires_grad_(), torch.from_numpy(dy)

    def theirs():
        network.zero_grad()
        images.grad = None
        network(images).backward(upstream)

    return theirs


def measure(point: Point) -> Figures:
    """Measure a step in this process, which should have done nothing else before."""
    from minivision.core.allocator import keep_freed_memory

    keep_freed_memory()  # as in a training, for both
    torch = _prepare(point)
    make_step(point.step, torch, **SMALL)()
    before = start_of_peak()
    step = make_step(point.step, torch, point.batch, point.channels, point.side)
    seconds = median_seconds(step, time.process_time if point.threads == 1 else time.perf_counter)
    peak = peak_of_process()
    process_bytes = peak - before if peak is not None and before is not None else None
    if torch:
        return Figures(1e3 * seconds, None, process_bytes)
    from minivision.comparison.costs import peak_memory

    return Figures(1e3 * seconds, peak_memory(step, calls=1), process_bytes)


def _prepare(point):
    """Set the number of threads; return PyTorch if the point is measured with it."""
    if point.library == TORCH:
        import torch

        torch.set_num_threads(point.threads)
        return torch
    import numba

    from minivision.core.numba_internals import start_threads

    start_threads()
    numba.set_num_threads(point.threads)
    return None


def median_seconds(step: Callable[[], Any], clock: Callable[[], float]) -> float:
    """Return the median time of a step, after one that is not measured."""
    import statistics

    step()
    times: list[float] = []
    end = clock() + SECONDS
    while len(times) < CALLS or clock() < end:
        start = clock()
        step()
        times.append(clock() - start)
    return statistics.median(times)


def start_of_peak() -> int | None:
    """Set the peak back where the system can, and return the memory that this process has now."""
    try:
        pathlib.Path("/proc/self/clear_refs").write_text(_CLEAR_PEAK, encoding="ascii")
    except OSError:
        pass  # then the peak of the small step remains, which is lower than that of most others
    return peak_of_process()


def peak_of_process() -> int | None:
    """Return the largest resident memory of this process so far in bytes; None where the system does not tell."""
    try:
        # Not getrusage: there a process on Linux begins with the peak of the one that started it.
        lines = pathlib.Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    print(json.dumps(measure(Point(**json.loads(sys.argv[1])))._asdict()))
