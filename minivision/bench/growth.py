"""How time and memory of a step grow with the batch, the side of the images and the number of channels.

Each size is measured in a process of its own (:mod:`minivision.bench.growth_point`), beside PyTorch where that is
installed. One size is changed at a time; the others are those of ``BASES``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from minivision.bench.growth_point import OURS, STEPS, TORCH, Figures, Point

AXES: dict[str, tuple[int, ...]] = {
    "batch": (1, 2, 4, 8, 16, 32, 64),
    "side": (64, 128, 256, 512),
    "channels": (8, 16, 32, 64, 128, 256),
}
BASES = {
    "block": {"batch": 4, "channels": 32, "side": 64},
    "encoder-decoder": {"batch": 4, "channels": 0, "side": 128},  # it has its own channels
}
GRACE = 60.0  # seconds that a process may go on when the time is over
MEGABYTE = 1e6
SHOWN = 4  # sizes without figures that are named

Measured = dict[Point, "Figures | str"]  # a text is the reason why there are no figures


def axes_of(step: str) -> dict[str, tuple[int, ...]]:
    """Return the sizes along each axis of a step."""
    return {axis: sizes for axis, sizes in AXES.items() if BASES[step][axis]}


def point_at(step: str, axis: str, size: int, library: str, threads: int) -> Point:
    """Return the point whose size along one axis is given; the others are those of the base."""
    return Point(step=step, library=library, threads=threads, **{**BASES[step], axis: size})


def points(steps: Sequence[str], libraries: Sequence[str], threads: int) -> list[Point]:
    """Return all points, each once, the small ones first: those of all libraries are measured one after the other."""
    found = {
        point_at(step, axis, size, library, threads): size / BASES[step][axis] if axis != "side" else
        (size / BASES[step][axis]) ** 2
        for step in steps
        for axis, sizes in axes_of(step).items()
        for size in sizes
        for library in libraries
    }  # fmt: skip
    return sorted(found, key=lambda point: found[point])


def measure_points(wanted: Sequence[Point], *, minutes: float) -> Iterator[tuple[Point, Figures | str]]:
    """Measure points in turn, each in a process of its own; no further size is begun when the time is over.

    Yields
    ------
    point : Point
    figures : Figures or str
        A text says why there are none.
    """
    end = time.monotonic() + 60 * minutes
    begun = None
    for point in wanted:
        left, size = end - time.monotonic(), point._replace(library="")
        if left > 0 or size == begun:  # a size is measured for all libraries
            begun = size
            yield point, measure_apart(point, max(left, 0) + GRACE)
        else:
            yield point, f"the {minutes:g} minutes were over"


def measure_apart(point: Point, seconds: float) -> Figures | str:
    """Measure a point in a process of its own; return its figures, or why there are none."""
    command = [sys.executable, "-m", "minivision.bench.growth_point", json.dumps(point._asdict())]
    try:
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace",
                              timeout=seconds)  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"the process took longer than {seconds:.0f} s"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1]
        return f"the process ended with {done.returncode}" + (f": {last}" if last else ", perhaps for lack of memory")
    return Figures(**json.loads(done.stdout.splitlines()[-1]))


def table(measured: Measured) -> list[str]:
    """Return lines that show all figures: milliseconds, and megabytes of the arrays and of the process."""
    lines = []
    libraries = _libraries(measured)
    for step, axis, sizes in _curves(measured):
        others = ", ".join(f"{name} {size}" for name, size in BASES[step].items() if size and name != axis)
        lines += ["", f"{step}, {others}"]
        head = f"{axis:>9} {'ms':>10}" + (f" {'PyTorch':>10} {'ratio':>6}" if TORCH in libraries else "")
        head += f" {'arrays MB':>10} {'process MB':>11}" + (
            f" {'PyTorch':>10} {'ratio':>6}" if TORCH in libraries else ""
        )
        lines.append(head)
        for size in sizes:
            ours, theirs = (_figures_at(measured, step, axis, size, library) for library in (OURS, TORCH))
            time_cells = _pair("milliseconds", ours, theirs, libraries, 1.0, 10)
            arrays = _cell(ours.array_bytes if ours else None, MEGABYTE, 10)
            memory_cells = _pair("process_bytes", ours, theirs, libraries, MEGABYTE, 11)
            lines.append(f"{size:>9} {time_cells} {arrays} {memory_cells}")
    missing: dict[str, list[str]] = {}
    for point, why in measured.items():
        if isinstance(why, str):
            missing.setdefault(why, []).append(describe(point))
    for why, found in missing.items():
        lines += ["", f"{len(found)} not measured, since {why}:", *(f"  {each}" for each in found[:SHOWN])]
        if len(found) > SHOWN:
            lines.append(f"  and {len(found) - SHOWN} more; give more --minutes, or name one step")
    return lines[1:]


def describe(point: Point) -> str:
    """Say which point it is."""
    sizes = ", ".join(f"{axis} {getattr(point, axis)}" for axis in AXES if getattr(point, axis))
    return f"{point.step}, {sizes}, {'PyTorch' if point.library == TORCH else point.library}"


def _pair(name, ours, theirs, libraries, unit, width):
    """Return the cells of one figure: ours, and with PyTorch also theirs and the ratio."""
    first, second = (getattr(each, name) if each else None for each in (ours, theirs))
    cells = _cell(first, unit, width)
    if TORCH not in libraries:
        return cells
    ratio = f"{first / second:>6.2f}" if first is not None and second else f"{'-':>6}"
    return f"{cells} {_cell(second, unit, 10)} {ratio}"


def _cell(value, unit, width):
    return f"{'-':>{width}}" if value is None else f"{value / unit:>{width}.{1 if value / unit < 1000 else 0}f}"


def _libraries(measured):
    return sorted({point.library for point in measured})  # minivision, torch


def _curves(measured):
    """Yield step, axis and sizes of each curve that was asked for, in order."""
    asked = {point.step for point in measured}
    for step in STEPS:
        if step in asked:
            for axis, sizes in axes_of(step).items():
                yield step, axis, sizes


def _figures_at(measured, step, axis, size, library):
    threads = next(iter(measured)).threads
    figures = measured.get(point_at(step, axis, size, library, threads))
    return figures if isinstance(figures, Figures) else None


def curves(measured: Measured, quantity: str) -> Iterator[tuple[str, str, dict[str, list[tuple[int, float]]]]]:
    """Yield each curve of one of the :class:`Figures`: step, axis, and by library its sizes and values."""
    for step, axis, sizes in _curves(measured):
        found: dict[str, list[tuple[int, float]]] = {}
        for library in _libraries(measured):
            for size in sizes:
                figures = _figures_at(measured, step, axis, size, library)
                value = getattr(figures, quantity) if figures else None
                if value:
                    found.setdefault(library, []).append((size, value))
        yield step, axis, found


def as_json(measured: Measured) -> list[dict[str, Any]]:
    """Return all points with their figures, or ``"missing"``: why there are none."""
    return [
        {**point._asdict(), **({"missing": figures} if isinstance(figures, str) else figures._asdict())}
        for point, figures in measured.items()
    ]
