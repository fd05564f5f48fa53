"""Two runs on the same input, brought to the place where they part; or one run beside the right values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minivision.core.types import Array
from minivision.tracing import Trace, Traced
from minivision.tracing.expression import format_value
from minivision.viz.player.display import Display
from minivision.viz.player.record import FORMAT, record_of

NOISE = 1e-14  # of the largest value: what rounding leaves of 0
TOLERANCE = 1e-6  # relative to the right value, or absolute where that is below 1


class Parting(NamedTuple):
    """The first number that is not right.

    Attributes
    ----------
    step : int
        The step of the run that wrote it.
    panel, cell : int
        Where it stands.
    title : str
        Its name: ``y[0,1]``.
    value, right : float or None
        None where it was not written.
    """

    step: int
    panel: int
    cell: int
    title: str
    value: float | None
    right: float


class Comparison(Display):
    """A run beside another one, or beside the right values: what :func:`compare_runs` returns.

    Parameters
    ----------
    trace : Trace
        The run that may be wrong.
    expected : dict of str to ndarray
        Right values of the results by name.
    other : Trace, optional
        The right run.
    labels : (str, str)
        Headings of the two runs.

    Attributes
    ----------
    parting : Parting or None
        Where the runs part; None where all values are right.
    note : str
        The same in words.
    """

    def __init__(
        self,
        trace: Trace,
        expected: Mapping[str, Array],
        other: Trace | None = None,
        labels: tuple[str, str] = ("yours", "right"),
    ) -> None:
        self.trace, self.other, self.labels = trace, other, labels
        self.expected = _by_names_of(trace, expected)
        self._missing = _missing(trace, expected, self.expected)
        self.parting = _parting_by_step(trace, other) if other is not None else None
        self.parting = self.parting or _parting_by_value(trace, self.expected)
        self.note = self._note()

    @property
    def traces(self) -> list[Trace]:
        return [self.trace] if self.other is None else [self.trace, self.other]

    @property
    def data(self) -> dict[str, Any]:
        """What the player shows, as ``json.dumps`` takes it: see docs/players.md."""
        runs = [record_of(self.trace, label=self.labels[0], expected=self.expected)]
        if self.other is not None:
            runs.append(record_of(self.other, label=self.labels[1]))
        data = {"format": FORMAT, "title": self.trace.title, "note": self.note, "runs": runs}
        if self.parting is not None:
            data["start"] = self.parting.step
        return data

    def _note(self):
        wrong = [_wrong_shape(name, self.trace, array) for name, array in self.expected.items()]
        wrong = [text for text in wrong if text] + self._missing
        if wrong:
            return " ".join(wrong)
        if self.parting is None:
            return "All values are right."
        got = "not written" if self.parting.value is None else format_value(self.parting.value)
        return (
            f"The first number that is not right is {self.parting.title}, in step {self.parting.step + 1}: "
            f"it is {got}, and should be {format_value(self.parting.right)}."
        )


def compare_runs(
    function: Callable,
    right: Callable,
    *arrays: Any,
    labels: tuple[str, str] = ("yours", "right"),
    **keywords: Any,
) -> Comparison:
    """Run a function and the right one on the same input, side by side, from the first number on that differs.

    Parameters
    ----------
    function : function
        Yours.
    right : operation or function
        The right one.
    *arrays, **keywords
        As :func:`trace` takes them.
    labels : (str, str)
        Headings of the two runs.

    Returns
    -------
    Comparison
        A notebook displays it; ``save("page.html")`` writes a page.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops, viz
    >>> def relu(x):
    ...     return np.where(x > 1, x, 0 * x)
    >>> viz.compare_runs(relu, ops.relu, np.array([-1.0, 0.5, 2.0])).note
    'The first number that is not right is y[1], in step 2: it is 0, and should be 0.5.'
    """
    one, other = Trace(function, *arrays, **keywords), Trace(right, *arrays, **keywords)
    expected = {name: _plain(array) for name, array in other.results.items()}
    return Comparison(one, expected, other, labels)


def _by_names_of(trace, expected):
    """Return right results under the names that a run has for them: the same ones, or the same places."""
    short = {name.rpartition(".")[2]: _without_noise(np.asarray(value, float)) for name, value in expected.items()}
    if not set(short) & set(trace.results):
        return dict(zip(trace.results, short.values(), strict=False))
    return {name: value for name, value in short.items() if name in trace.results}


def _missing(trace, expected, found):
    """Return a sentence for each right result that a run has nothing for: its function returned too few arrays."""
    names = [name.rpartition(".")[2] for name in expected]
    missing = [name for name in names if name not in found] if set(names) & set(found) else names[len(found) :]
    shapes = {name.rpartition(".")[2]: np.shape(value) for name, value in expected.items()}
    return [f"{trace.title} returns no array {name}, which should have the shape {shapes[name]}." for name in missing]


def _without_noise(array):
    """Return an array with 0 where a sum that should be 0 was rounded."""
    largest = np.abs(array[np.isfinite(array)]).max(initial=0)
    return np.where(np.abs(array) < NOISE * largest, 0.0, array)


def _plain(array):
    values = [getattr(element, "value", element) for element in array.ravel().tolist()]
    return np.array([np.nan if value is None else value for value in values], float).reshape(array.shape)


def _wrong_shape(name, trace, right):
    got = trace.results[name].shape
    return f"{name} has the shape {got}, and should have {right.shape}." if got != right.shape else ""


def _parting_by_step(trace, other):
    """Return the first step that writes another value than the same step of the other run; None where steps differ."""
    names = {panel.name: number for number, panel in enumerate(other.panels)}
    for k, (step, right) in enumerate(zip(trace.steps, other.steps, strict=False)):
        for number, cells in step.writes.items():
            panel = trace.panels[number]
            twin = names.get(panel.name)
            if twin not in right.writes or [panel.title_of(cell) for cell in cells] != [
                other.panels[twin].title_of(cell) for cell in right.writes[twin]
            ]:
                return None
            for cell, got, wanted in zip(cells, step.elements[number], right.elements[twin], strict=True):
                if panel.inside[cell] and not _alike(_value(got), _value(wanted)):
                    return Parting(k, number, cell, panel.title_of(cell), _value(got), _value(wanted))
    return None


def _parting_by_value(trace, expected):
    """Return the number that is wrong at the end and got its value first."""
    found = []
    for number, panel in enumerate(trace.panels):
        right = expected.get(panel.name) if panel.is_result else None
        if right is None or right.shape != trace.results[panel.name].shape or not trace.steps:
            continue
        last = {cell: k for k, step in enumerate(trace.steps) for cell in step.writes.get(number, ())}
        cells = trace.steps[-1].cells[number]
        for cell, wanted in zip(panel.own_cells.ravel().tolist(), right.ravel().tolist(), strict=True):
            got = _value(cells[cell])
            if not _alike(got, wanted):
                step = last.get(cell, len(trace.steps) - 1)
                found.append(Parting(step, number, cell, panel.title_of(cell), got, wanted))
    return min(found, key=lambda parting: parting.step, default=None)


def _value(element):
    return element.value if isinstance(element, Traced) else getattr(element, "value", element)


def _alike(got, right):
    if got is None or right is None:
        return got is right
    with np.errstate(all="ignore"):
        near = abs(got - right) <= TOLERANCE * max(1.0, abs(right))
    return bool(near or got == right or (got != got and right != right))
