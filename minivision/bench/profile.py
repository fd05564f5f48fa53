"""Where the time of a training step goes: each operation, and what is no operation."""

from __future__ import annotations

import collections
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from minivision.bench.training_steps import prepare

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WARM_UP, STEPS = 3, 20  # steps that are not counted, since they compile and fill caches, and those that are
OPERATIONS, OTHERS = "operations", "no operation"
COLORS = {OPERATIONS: "#e69f00", OTHERS: "#009e73"}
SHOWN = 0.01  # of a step: smaller parts are one bar of the picture


class Part(NamedTuple):
    """A part of a step: its group and name, milliseconds without the parts inside of it, and calls, for each step."""

    group: str
    name: str
    milliseconds: float
    calls: float


class Clock:
    """Measures nested blocks; the time of a block does not count for the one around it."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget what was measured."""
        self.seconds: dict[tuple[str, str], float] = collections.defaultdict(float)
        self.calls: collections.Counter[tuple[str, str]] = collections.Counter()
        self._inside = [0.0]  # seconds of the parts inside of each block that is open

    @contextlib.contextmanager
    def measure(self, group: str, name: str) -> Iterator[None]:
        """Measure a block."""
        self._inside.append(0.0)
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            self.seconds[group, name] += seconds - self._inside.pop()
            self.calls[group, name] += 1
            self._inside[-1] += seconds

    def timed(self, group: str, name: str, function: Callable) -> Callable:
        """Return a function that is measured at each call."""

        def measured(*args: Any, **kwargs: Any) -> Any:
            with self.measure(group, name):
                return function(*args, **kwargs)

        return measured


def profile(system: str, *, steps: int = STEPS, level: str = "mid", seed: int = 0) -> list[Part]:
    """Train a system for a few steps on scenes, and measure the parts of a step.

    Parameters
    ----------
    system : str
    steps : int
        Number of steps that are measured.
    level : str
        Of the scenes.
    seed : int

    Returns
    -------
    parts : list of Part
        The longest first; all together are the time of a step.
    """
    from minivision.core.backends import active_backend
    from minivision.core.backends import backend as backend_of
    from minivision.core.registry import operations
    from minivision.core.temporary_backend import temporary_backend
    from minivision.training.step import take_step

    model, batches, settings, optimizer = prepare(system, level=level, seed=seed)
    clock, backend = Clock(), active_backend()[0]
    functions = {
        name: clock.timed(OPERATIONS, name, backend.kernel(op) or op.reference) for name, op in operations().items()
    }
    read = clock.timed(OTHERS, "reading the batch", batches.__getitem__)
    model.step = clock.timed(OTHERS, "layers, matching, sampling", model.step)  # type: ignore[method-assign]
    optimizer.step = clock.timed(OTHERS, "optimizer", optimizer.step)  # type: ignore[method-assign]
    with temporary_backend("profile", functions) as name, backend_of(name):
        for step in range(WARM_UP + steps):
            if step == WARM_UP:
                clock.clear()
            with clock.measure(OTHERS, "norm of the gradients, checks"):
                take_step(model, optimizer, _Read(read), step, settings.rate, settings)  # type: ignore[arg-type]
    parts = [Part(*key, 1e3 * seconds / steps, clock.calls[key] / steps) for key, seconds in clock.seconds.items()]
    return sorted(parts, key=lambda part: -part.milliseconds)


class _Read:
    """What a training step needs of batches: reading one."""

    def __init__(self, read):
        self._read = read

    def __getitem__(self, step):
        return self._read(step)


def table(parts: list[Part]) -> list[str]:
    """Return lines that show the parts: milliseconds and calls in a step, and the share of the step."""
    total = sum(part.milliseconds for part in parts)
    width = max(len(part.name) for part in parts) + 2
    lines = [f"{'part':<{width}} {'ms a step':>10} {'share':>6} {'calls':>6}"]
    for part in parts:
        name = part.name if part.group == OPERATIONS else f"({part.name})"
        lines.append(f"{name:<{width}} {part.milliseconds:>10.2f} {part.milliseconds / total:>6.1%} {part.calls:>6.3g}")
    outside = sum(part.milliseconds for part in parts if part.group == OTHERS)
    return [*lines, f"{'a step':<{width}} {total:>10.2f}", f"of it no operation: {outside / total:.0%}"]


def draw(system: str, parts: list[Part]) -> Figure:
    """Draw a bar for each part, those that are no operation in another color; small parts are one bar."""
    from minivision.viz.figure import Figure

    total = sum(part.milliseconds for part in parts)
    shown = [part for part in parts if part.milliseconds >= SHOWN * total]
    rest = sum(part.milliseconds for part in parts) - sum(part.milliseconds for part in shown)
    bars = [(part.name, part.milliseconds, COLORS[part.group]) for part in shown]
    if rest > 0:
        bars.append((f"{len(parts) - len(shown)} parts below {SHOWN:.0%} each", rest, "#999999"))
    figure = Figure(figsize=(8, 1.3 + 0.3 * len(bars)), dpi=144, facecolor="white", layout="constrained")
    axis = figure.subplots()
    names, values, colors = zip(*bars[::-1], strict=True)
    axis.barh(names, values, color=colors)
    for place, value in enumerate(values):
        text = f"{value:.1f}  ({value / total:.0%})"
        axis.annotate(text, (value, place), xytext=(4, 0), textcoords="offset points", va="center", size=9)
    axis.set_title(f"A training step of {system}: {total:.1f} ms", loc="left", weight="bold")
    axis.set_xlabel("milliseconds in a step; operations are orange, the rest green")
    axis.margins(x=0.18)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
