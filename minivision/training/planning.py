"""How many steps fit into the given time: estimated from a few trial steps, then corrected by the real ones.

A plan can go wrong in two ways. The first steps of a system may be cheaper than the later ones: before Mask R-CNN's
proposals find objects, its branches have few regions to process. And the machine may get other work, or lose it. So the
steps are measured as they are taken, and when the end that they promise is not the one that was asked for, their number
is planned again. The schedule of the learning rate then goes on from where it is, faster or slower, to its end.
"""

from __future__ import annotations

import collections
import copy
import dataclasses
import statistics
import time
from typing import TYPE_CHECKING

from minivision.core.ranks import current_ranks
from minivision.optim.schedules import Moved, schedule_progress, warmup_steps
from minivision.training.batches import Batches, BatchesAhead
from minivision.training.settings import Settings
from minivision.training.step import make_optimizer, take_step

if TYPE_CHECKING:
    from minivision.models.base.model import Model

FINAL_SECONDS = 1.0  # for the last checkpoint and the loss curve
TRIAL_SHARE, MAX_TRIAL_SECONDS = 0.025, 3.0  # trial steps take this share of the time, and no more than these seconds
TRIAL_RATE_DIVISOR = 100  # the learning rate is divided by it for steps on a copy of the model
# The speed is that of the steps in a last part of the time: a share of what is left, so that the plan does not follow
# every short load while there is time to make up for it, but at least a share of all.
WINDOW_OF_REST, WINDOW_SHARE = 0.2, 0.02
TOLERANCE = 0.02  # a plan stays as it is while its end is off by no more than this share of the time
WARMUP_SHARE = 0.25  # a warmup that is not over after this share of the time ends then


def compile_step(model: Model, batches: Batches | BatchesAhead, settings: Settings) -> float:
    """Take one step on a copy of the model, so that every kernel is compiled; return the seconds it took."""
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    take_step(trial, make_optimizer(trial, settings), batches, 0, settings.rate / TRIAL_RATE_DIVISOR, settings)
    return time.perf_counter() - start


def measured_step(model: Model, batches: Batches | BatchesAhead, settings: Settings, seconds: float) -> float:
    """Return the seconds that a step takes, from a few trial steps.

    The model is left as it is: the trial steps are taken on a copy, at a hundredth of the learning rate.

    Parameters
    ----------
    model : Model
        Its kernels must be compiled.
    batches : Batches or BatchesAhead
    settings : Settings
    seconds : float
        Of the whole training; the trial steps take a small share of it.

    Returns
    -------
    step_seconds : float
    """
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    optimizer = make_optimizer(trial, settings)
    end = start + min(seconds * TRIAL_SHARE, MAX_TRIAL_SECONDS)
    times: list[float] = []
    # One step at least, and three if steps are not very slow; of several ranks the first one decides.
    while True:
        now = time.perf_counter()
        enough = now >= end and len(times) >= (3 if now < start + 5 * (end - start) else 1)
        if current_ranks().number_of_first(enough):
            break
        take_step(trial, optimizer, batches, len(times), settings.rate / TRIAL_RATE_DIVISOR, settings)
        times.append(time.perf_counter() - now)
    return statistics.median(times[len(times) // 3 :])  # in the first steps memory and caches are cold


class Deadline:
    """When a training is to end, and how many steps fit before.

    Parameters
    ----------
    seconds : float
        When it is to end, in seconds of training.
    now : float
        Seconds of training before the first step.
    step_seconds : float
        How long a step takes, as measured by trial steps.
    finish_seconds : float
        How long what follows the last step takes, at the same speed of the machine.
    """

    def __init__(self, seconds: float, now: float, step_seconds: float, finish_seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.finish_steps = finish_seconds / step_seconds  # in steps: both are slower on a machine that is busy
        self._step_seconds = step_seconds
        self._ends = collections.deque([now])  # when the latest steps ended, the first of them without its step
        self.corrected = now  # when the plan was last corrected

    def passed(self, now: float) -> None:
        """Note that a step ended at `now`, in seconds of training."""
        self._ends.append(now)
        window = max(WINDOW_OF_REST * (self.seconds - now), WINDOW_SHARE * self.seconds)
        while len(self._ends) > 2 and self._ends[1] <= now - window:
            self._ends.popleft()

    @property
    def now(self) -> float:
        """When the last step ended, in seconds of training."""
        return self._ends[-1]

    @property
    def step_seconds(self) -> float:
        """How long a step takes at present, on the average."""
        if len(self._ends) < 2:
            return self._step_seconds
        return (self.now - self._ends[0]) / (len(self._ends) - 1)

    @property
    def steps_left(self) -> int:
        """How many more steps fit; 0 if the time is over."""
        final = min(FINAL_SECONDS, self.seconds / 5)
        return max(0, round((self.seconds - final - self.now) / self.step_seconds - self.finish_steps))

    def fits(self, steps: int) -> bool:
        """Return whether so many more steps end at about the right time, or the plan has just been corrected."""
        if self.now < min(self.seconds, self.corrected + WINDOW_SHARE * self.seconds):
            return True
        return abs(steps - self.steps_left) * self.step_seconds <= TOLERANCE * self.seconds


def corrected_plan(
    settings: Settings, step: int, total: int, moved: Moved | None, deadline: Deadline
) -> tuple[Settings, int, Moved | None]:
    """Return the settings, the number of steps, and where the schedule was moved, so that the training ends in time.

    The warmup stays as long as it was, in steps; so its share of all steps, the setting ``warmup``, changes. During the
    warmup nothing is corrected: the learning rate depends on its length alone, and the first steps may be cheap.

    Parameters
    ----------
    settings : Settings
    step, total : int
        Steps taken, and planned so far.
    moved : (int, float), optional
        As in :func:`minivision.optim.rate_factor`.
    deadline : Deadline

    Returns
    -------
    settings : Settings
    total : int
    moved : (int, float) or None
        All are unchanged while the plan fits.
    """
    rising = warmup_steps(settings.warmup, total)
    if step < rising and deadline.now < WARMUP_SHARE * deadline.seconds or deadline.fits(total - step):
        return settings, total, moved
    if step > rising:
        moved = step, schedule_progress(step, total, warmup=settings.warmup, moved=moved)
    total = step + deadline.steps_left
    deadline.corrected = deadline.now
    return dataclasses.replace(settings, warmup=min(step, rising) / total), total, moved
