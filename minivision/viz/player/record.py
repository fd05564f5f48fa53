"""A trace as JSON: numbers, how each was computed, and what each step read and wrote (docs/players.md)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.tracing import Padding, Trace, Traced
from minivision.viz.player.regions import place_of, regions_of

if TYPE_CHECKING:
    from minivision.tracing import Panel, Step

FORMAT = "minivision player 1"
POSITIONS = ("rois",)  # arguments that say where to read: in formulas their numbers stand for themselves
_LETTERS = {"neg": "n", "exp": "e", "expm1": "m", "log": "l", "log1p": "k", "sqrt": "s", "tanh": "t", "**": "^"}


def record_of(trace: Trace, *, label: str = "", expected: Mapping[str, Array] | None = None) -> dict[str, Any]:
    """Return a run as the player reads it: an object that ``json.dumps`` writes.

    Parameters
    ----------
    trace : Trace
    label : str
        Heading of the run, such as the name of a file.
    expected : dict of str to ndarray, optional
        Right values of results, which the player shows beside those of the run.

    Returns
    -------
    run : dict
        See docs/players.md.
    """
    numbers = _Numbers(trace)
    panels = [_panel(panel, trace, numbers, k) for k, panel in enumerate(trace.panels)]
    for panel, about in zip(trace.panels, panels, strict=True):
        if panel.is_result and panel.name in (expected or {}):
            values = np.asarray(expected[panel.name], float)  # type: ignore[index]
            about["expected"] = [_number(value) for value in values.ravel().tolist()]
            about["expected_shape"] = list(values.shape)
    regions = regions_of(trace)
    steps: list[dict[str, Any]] = []
    before: Mapping[str, Any] = {}
    for step in trace.steps:
        place = place_of(step, trace, regions) if regions else {}
        steps.append(_step(step, before, numbers) | place)
        before = step.counters
    run = {
        "title": trace.title,
        "label": label,
        "panels": panels,
        "numbers": numbers.as_json(),
        "steps": steps,
        "source": [[number, text] for number, text in trace.source.lines],
        "loops": sorted({name for loop in trace.source.loops for name in loop.names}),
    }
    return run | ({"regions": regions} if regions else {})


class _Numbers:
    """Numbers of a trace, each with an index: the inputs first, then what was computed from them, in that order."""

    def __init__(self, trace: Trace) -> None:
        self.index: dict[int, int] = {}  # id of a traced number -> its index
        self.constants: dict[Any, int] = {}
        self.values: list[Any] = []
        self.names: list[str | None] = []
        self.operations: list[str] = []
        self.left: list[int | None] = []
        self.right: list[int | None] = []
        found = _reachable(trace)
        inputs = _inputs_in_panels(trace)
        known = {id(one) for one in inputs}
        inputs += [one for one in found if one.operation is None and id(one) not in known]
        for one in inputs:
            self.index[id(one)] = len(self.values)
            self.values.append(_number(one.value))
            self.names.append(one.name)
        for one in found:
            if one.operation is not None:
                self._add(one)

    def _add(self, one):
        left, *right = (self.reference(operand) for operand in one.operands)
        self.index[id(one)] = len(self.values) + len(self.operations)
        self.operations.append(_LETTERS.get(one.operation, one.operation))
        self.left.append(left)
        self.right.append(right[0] if right else None)

    def reference(self, element: Any) -> int | None:
        """Return the index of a number; a negative one, -1 - k, for constant k; None for nothing."""
        if isinstance(element, Traced):
            return self.index[id(element)]
        value = _number(element.value if isinstance(element, Padding) else element)
        return None if value is None else -1 - self.constants.setdefault(value, len(self.constants))

    def as_json(self) -> dict[str, Any]:
        return {
            "inputs": self.values,
            "names": self.names,
            "operations": "".join(self.operations),
            "left": self.left,
            "right": self.right,
            "constants": list(self.constants),
        }


def _inputs_in_panels(trace):
    """Return the traced numbers that arguments hold, each once, in the order of the panels."""
    inputs = {}
    for panel, array in zip(trace.panels, trace.first_elements, strict=True):
        if not panel.is_result:
            inputs.update({id(one): one for one in array if isinstance(one, Traced) and one.operation is None})
    return list(inputs.values())


def _reachable(trace):
    """Return the traced numbers that are shown and those they were made of, operands before results."""
    shown = [one for elements in trace.first_elements for one in elements]
    shown += [one for step in trace.steps for elements in step.elements.values() for one in elements]
    found: dict[int, Traced] = {}
    stack = [one for one in shown if isinstance(one, Traced)]
    while stack:
        one = stack.pop()
        if id(one) not in found:
            found[id(one)] = one
            stack.extend(operand for operand in one.operands if isinstance(operand, Traced))
    return sorted(found.values(), key=lambda one: one.serial)


def _panel(panel: Panel, trace: Trace, numbers: _Numbers, k: int) -> dict[str, Any]:
    about = {
        "name": panel.name,
        "shape": list(panel.shape),
        "from": [part.start for part in panel.part],
        "size": [part.stop - part.start for part in panel.part],
        "result": panel.is_result,
        "start": [numbers.reference(one) for one in trace.first_elements[k]],
    }
    if panel.name in POSITIONS:
        about["position"] = True
    return about


def _step(step: Step, before: Mapping[str, Any], numbers: _Numbers) -> dict[str, Any]:
    about: dict[str, Any] = {
        "lines": list(step.lines),
        "set": {name: _short(value) for name, value in step.counters.items() if before.get(name) != value},
        "reads": {str(number): _runs(cells) for number, cells in step.reads.items()},
        "writes": {
            str(number): [part for cell, one in written for part in (cell, numbers.reference(one))]
            for number, written in ((k, zip(step.writes[k], step.elements[k], strict=True)) for k in step.writes)
        },
    }
    return about


def _runs(cells: Iterable[int]) -> list[int]:
    """Return cells as runs: the first of each and their count, one after the other."""
    runs: list[int] = []
    for cell in sorted(cells):
        if runs and cell == runs[-2] + runs[-1]:
            runs[-1] += 1
        else:
            runs += [int(cell), 1]
    return runs


def _number(value: Any) -> Any:
    """Return a number as JSON can write it: what is not finite as text, nothing as None."""
    if value is None or isinstance(value, str):
        return None
    if isinstance(value, bool | int | np.bool_ | np.integer):
        return int(value)
    value = float(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def _short(value: Any) -> Any:
    """Return a variable: its first six digits, which is what is shown."""
    if isinstance(value, str):
        return value
    return float(f"{value:.6g}") if isinstance(value, float) and math.isfinite(value) else _number(value)
