"""How many steps fit into the given time: estimated from a few trial steps, then corrected by the real ones.

The first steps of a system may be cheaper than the later ones: before Mask R-CNN's proposals find objects, its
branches have few regions to process. So the number of steps is planned twice: before the first step, and at the end
of the warmup. During the warmup the learning rate depends on its length alone, so the total may still change.
"""

from __future__ import annotations

import copy
import dataclasses
import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from minivision.optim.schedules import warmup_steps
from minivision.training.batches import Batches, BatchesAhead
from minivision.training.settings import Settings
from minivision.training.step import make_optimizer, take_step

if TYPE_CHECKING:
    from minivision.models.base.model import Model

RESERVED_SHARE = 0.05  # of the time is not planned: a machine's speed changes over time
FINAL_SECONDS = 1.0  # for the last checkpoint and the loss curve
TRIAL_SHARE, MAX_TRIAL_SECONDS = 0.025, 3.0  # trial steps take this share of the time, and no more than these seconds
MIN_STEPS_TO_CORRECT = 20  # fewer steps are too few to measure the time of one
LATEST_STEPS = 100  # by which a plan is made again
TRIAL_RATE_DIVISOR = 100  # the learning rate is divided by it for steps on a copy of the model


def compile_step(model: Model, batches: Batches | BatchesAhead, settings: Settings) -> float:
    """Take one step on a copy of the model, so that every kernel is compiled; return the seconds it took."""
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    take_step(trial, make_optimizer(trial, settings), batches, 0, settings.rate / TRIAL_RATE_DIVISOR, settings)
    return time.perf_counter() - start


def steps_within(model: Model, batches: Batches | BatchesAhead, settings: Settings, seconds: float) -> int:
    """Return how many steps fit into `seconds`, from now on; the trial steps are part of this time.

    The model is left as it is: the trial steps are taken on a copy, at a hundredth of the learning rate.

    Parameters
    ----------
    model : Model
        Its kernels must be compiled.
    batches : Batches or BatchesAhead
    settings : Settings
    seconds : float

    Returns
    -------
    steps : int
        At least 1.
    """
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    optimizer = make_optimizer(trial, settings)
    end = start + min(seconds * TRIAL_SHARE, MAX_TRIAL_SECONDS)
    times: list[float] = []
    # One step at least, and three if steps are not very slow.
    while (now := time.perf_counter()) < end or not times or len(times) < 3 and now < start + 5 * (end - start):
        take_step(trial, optimizer, batches, len(times), settings.rate / TRIAL_RATE_DIVISOR, settings)
        times.append(time.perf_counter() - now)
    step_seconds = statistics.median(times[len(times) // 3 :])  # in the first steps memory and caches are cold
    return _steps_in(seconds - (time.perf_counter() - start), step_seconds)


def corrected_plan(settings: Settings, total: int, step_ends: Sequence[float], seconds: float) -> tuple[Settings, int]:
    """Return the settings and the number of steps, corrected by the measured times of the warmup's steps.

    The warmup stays as long as it was, in steps; so its share of all steps, the setting ``warmup``, changes.

    Parameters
    ----------
    settings : Settings
    total : int
        Steps planned so far.
    step_ends : sequence of float
        When each step of the warmup ended, in seconds from the beginning of the training.
    seconds : float
        How long the training may take.

    Returns
    -------
    settings : Settings
    total : int
        Both are unchanged if the warmup has too few steps.
    """
    late = step_ends[len(step_ends) // 2 :]
    if len(late) < MIN_STEPS_TO_CORRECT:
        return settings, total
    step_seconds = statistics.median(end - begin for begin, end in zip(late, late[1:], strict=False))
    total = len(step_ends) + _steps_in(seconds - step_ends[-1], step_seconds)
    return dataclasses.replace(settings, warmup=len(step_ends) / total), total


def plan_for_the_rest(
    settings: Settings, total: int, step_ends: Sequence[float], step: int, seconds: float
) -> tuple[Settings, int]:
    """Return the settings and the number of steps with which a training ends on time, by its latest steps.

    The warmup is over, and stays as long as it was; the schedule goes on from where it is with another end.

    Parameters
    ----------
    settings : Settings
    total : int
        Steps planned so far.
    step_ends : sequence of float
        When each step of this session ended, in seconds from the beginning of the training.
    step : int
        Steps taken.
    seconds : float
        How long the training may take.
    """
    latest = step_ends[-LATEST_STEPS:]
    if len(latest) < 2:
        return settings, total
    step_seconds = (latest[-1] - latest[0]) / (len(latest) - 1)
    rising = warmup_steps(settings.warmup, total)
    total = max(step, rising, step + round((seconds - step_ends[-1]) / step_seconds))
    return dataclasses.replace(settings, warmup=rising / total), total


def _steps_in(seconds, step_seconds):
    """Return how many steps fit into the time before the final checkpoint; at least one."""
    left = seconds * (1 - RESERVED_SHARE) - min(FINAL_SECONDS, seconds / 5)
    return max(1, int(left / step_seconds))
