"""Learning rate schedules: pure functions of the step and the total number of steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

Moved: TypeAlias = "tuple[int, float]"  # a step, and how much of the schedule was over then


def constant(progress: float) -> float:
    """Return 1 at every step."""
    return 1.0


def step(progress: float) -> float:
    """Return 1, 0.1 after two thirds of the steps, 0.01 after eight ninths (Mask R-CNN: 60k, 80k, 90k)."""
    return 1.0 if progress < 2 / 3 else 0.1 if progress < 8 / 9 else 0.01


def cosine(progress: float) -> float:
    """Return half a cosine from 1 down to 0 (Loshchilov and Hutter, SGDR, 2017, equation 5, no restarts)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


SCHEDULES: dict[str, Callable[[float], float]] = {"constant": constant, "step": step, "cosine": cosine}


def warmup_steps(warmup: float, total: int) -> int:
    """Return the number of warmup steps: the share `warmup` of `total` steps."""
    return math.ceil(warmup * total - 1e-9)  # n / total of `total` are n steps, whatever the rounding


def schedule_progress(step: int, total: int, *, warmup: float = 0.05, moved: Moved | None = None) -> float:
    """Return how much of the schedule is over before a step that follows the warmup, 0 to 1.

    Parameters
    ----------
    step, total, warmup, moved
        As in :func:`rate_factor`.
    """
    begin, done = moved or (warmup_steps(warmup, total), 0.0)
    return done + (1 - done) * ((step - begin) / (total - begin))


def rate_factor(schedule: str, step: int, total: int, *, warmup: float = 0.05, moved: Moved | None = None) -> float:
    """Return the factor of the learning rate at one step.

    It rises linearly over the first steps (warmup), while the running averages of batch normalization and Adam are
    still inaccurate, then follows the schedule.

    Parameters
    ----------
    schedule : str
        ``"constant"``, ``"step"`` or ``"cosine"``.
    step : int
        Steps already taken, 0 to ``total - 1``.
    total : int
        Steps of the whole training.
    warmup : float
        Share of `total` that the warmup takes, 0 to 1.
    moved : (int, float), optional
        The step after the warmup at which `total` was last changed, and how much of the schedule was over then: from
        there the schedule goes on, faster or slower, to its end at the new total.

    Returns
    -------
    float
        More than 0, at most 1.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule: expected one of {', '.join(SCHEDULES)}, got {schedule!r}")
    if not 0 <= step < total:
        raise ValueError(f"step: expected 0 to {total - 1}, got {step}")
    rising = warmup_steps(warmup, total)
    if step < rising:
        return (step + 1) / rising
    return SCHEDULES[schedule](schedule_progress(step, total, warmup=warmup, moved=moved))
