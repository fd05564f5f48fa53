"""Trainings that take turns, so that whatever else the machine does slows all of them down alike."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from minivision.training.run import TrainingResult
from minivision.training.signals import stop_signals
from minivision.training.trainer import train_by_steps

TURN_SECONDS = 2.0  # long enough that caches which the other training emptied do not count


def train_in_turns(
    trainings: Sequence[Mapping[str, Any]], *, turn_seconds: float = TURN_SECONDS
) -> list[TrainingResult]:
    """Train several models, some seconds of each in turn.

    The minutes of a training are those of its own turns, and are kept as :func:`train` keeps them. Each takes the
    steps, and with given `steps` ends with the bits, that it would have alone.

    Parameters
    ----------
    trainings : sequence of mapping
        The arguments of :func:`minivision.training.train` for each.
    turn_seconds : float
        Length of a turn, at least one step.

    Returns
    -------
    results : list of TrainingResult
        Ctrl-C, SIGTERM and SIGHUP stop all of them.
    """
    results: dict[int, TrainingResult] = {}
    with stop_signals() as signals, contextlib.ExitStack() as stack:
        waiting = {}
        for number, arguments in enumerate(trainings):
            waiting[number] = stack.enter_context(
                contextlib.closing(train_by_steps(**arguments, signals=signals))  # type: ignore[misc]
            )
        while waiting:
            for number, training in list(waiting.items()):
                result = _turn(training, turn_seconds)
                if result is not None:
                    results[number] = result
                    del waiting[number]
    return [results[number] for number in range(len(trainings))]


def _turn(training: Generator[None, None, TrainingResult], seconds: float) -> TrainingResult | None:
    """Take steps for some seconds; return the result of a training that ended."""
    end = None
    while end is None or time.perf_counter() < end:
        try:
            next(training)
        except StopIteration as stop:
            return stop.value
        end = end or time.perf_counter() + seconds  # the first call prepares as well
    return None
