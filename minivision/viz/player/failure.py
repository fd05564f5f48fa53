"""A page about a wrong function: its run on the smallest example, beside the right run or the right values."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from minivision.checks import Example
from minivision.core.printable import printable
from minivision.tracing import Trace
from minivision.viz.player.comparison import Comparison
from minivision.viz.player.display import Display
from minivision.viz.player.record import FORMAT, record_of

if TYPE_CHECKING:
    from minivision.core.types import Operation


class FailureError(ValueError):
    """A wrong function that cannot be shown step by step, and why."""


class Stopped(Display):
    """The right run where the other one cannot be shown, and why."""

    def __init__(self, trace: Trace, note: str) -> None:
        self.trace, self.note = trace, note

    @property
    def traces(self) -> list[Trace]:
        return [self.trace]

    @property
    def data(self) -> dict[str, Any]:
        """What the player shows, as ``json.dumps`` takes it: see docs/players.md."""
        run = record_of(self.trace, label="right")
        return {"format": FORMAT, "title": self.trace.title, "note": self.note, "runs": [run]}


def show_failure(op: Operation, function: Callable, example: Example, *, name: str, with_right_run: bool) -> Display:
    """Return a player for a wrong function.

    Parameters
    ----------
    op : operation
        What the function should compute.
    function : function
    example : Example
        Arguments for which it is wrong.
    name : str
        Heading of its run, such as the name of its file.
    with_right_run : bool
        Whether the run of the reference implementation is shown beside it. Otherwise only the right values are: for
        students who have to write that function.

    Returns
    -------
    Display

    Raises
    ------
    FailureError
        If its run cannot be shown, and the right one must not be.
    """
    try:
        if example.error is not None:
            raise example.error
        trace = Trace(function, **example.arguments)
        if not trace.steps:
            raise ValueError(f"it wrote to no array, and returned what is of type {type(trace.result).__name__}")
    except (Exception, SystemExit) as error:  # whatever the user's function raises
        note = f"{name} has no steps to show. {_reason(error, function)}"
        if not with_right_run:
            raise FailureError(note) from error
        return Stopped(Trace(op, **example.arguments), note)
    other = Trace(op, **example.arguments) if with_right_run else None
    return Comparison(trace, example.expected, other, (name, "right"))


def _reason(error, function):
    """Return what was raised, and in which line of the function's file."""
    file = function.__code__.co_filename
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = f" in line {frames[-1].lineno} of {Path(file).name}" if frames else ""
    return printable(f"{type(error).__name__}{line}: {error}")
