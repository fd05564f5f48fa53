"""How many steps fit into the time there is: first by taking a few that do not count, then by those that do.

The first steps of a system may be cheaper than the later ones: before Mask R-CNN's proposals find objects, its
branches have few regions to look at. So the plan is made twice: before the first step, and where the learning rate has
climbed to its height. Until then the rates depend on the length of the climb alone, so that the end may still move.
"""

import copy
import dataclasses
import math
import statistics
import time

from minivision.optim.optimizers import OPTIMIZERS, clip_gradients, gradient_norm
from minivision.training.batches import reseed
from minivision.training.nonfinite import TrainingError, what_went_wrong

MARGIN = 0.05  # of the time is kept back: machines are not equally fast all the time
CLOSING = 1.0  # seconds for the last checkpoint and the loss curve
TRIAL = (0.025, 3.0)  # trial steps may take this part of the time, and no more than so many seconds
FEWEST = 20  # steps that tell how long one takes


def make_optimizer(model, settings):
    """Return the optimiser that the settings name."""
    return OPTIMIZERS[settings.optimizer](model, weight_decay=settings.weight_decay)


def take_step(model, optimizer, batches, step, rate, settings):
    """Train one step: draw the batch, go forward and back, check, clip, move the parameters.

    Returns
    -------
    losses : dict of str to float
    norm : float
        Of all gradients together, before clipping.

    Raises
    ------
    TrainingError
        When a loss or a gradient is not finite; the parameters are then as before the step.
    """
    batch = batches[step]

    def forward_and_back():
        reseed(model, settings.seed, step)
        return model.step(batch)

    losses = {name: float(loss) for name, loss in forward_and_back().items()}
    if settings.clip:
        norm = clip_gradients(optimizer.parameters, settings.clip)
    else:
        norm = gradient_norm(optimizer.parameters)
    if not all(map(math.isfinite, [norm, *losses.values()])):
        raise TrainingError(f"step {step + 1}: {what_went_wrong(model, losses, forward_and_back)}")
    optimizer.step(rate)
    return losses, norm


def compile_step(model, batches, settings):
    """Take one step on a copy of the model, so that every kernel is compiled; return the seconds it took."""
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    take_step(trial, make_optimizer(trial, settings), batches, 0, settings.rate / 100, settings)
    return time.perf_counter() - start


def steps_within(model, batches, settings, seconds):
    """Return how many steps fit into `seconds`, which begin now and include finding it out.

    The model is left as it is: the steps are taken on a copy, at a hundredth of the rate.

    Parameters
    ----------
    model : Model
        Its kernels must be compiled.
    batches : Batches
    settings : Settings
    seconds : float
    """
    start = time.perf_counter()
    trial = copy.deepcopy(model)
    optimizer = make_optimizer(trial, settings)
    end = start + min(seconds * TRIAL[0], TRIAL[1])
    times = []
    # At least three steps, if steps are not very slow.
    while (now := time.perf_counter()) < end or len(times) < 3 and now < start + 5 * (end - start):
        take_step(trial, optimizer, batches, len(times), settings.rate / 100, settings)
        times.append(time.perf_counter() - now)
    usual = statistics.median(times[len(times) // 3 :])  # the first steps find no memory ready and cold caches
    return _steps_in(seconds - (time.perf_counter() - start), usual)


def corrected_plan(settings, total, ends, seconds):
    """Return the settings and the number of steps after a look at how long the steps of the climb really took.

    The climb stays as long as it was, in steps; the part of all steps that it is becomes another ``warmup``.

    Parameters
    ----------
    settings : Settings
    total : int
        Steps planned so far.
    ends : list of float
        When each step of the climb ended, in seconds from the beginning of the training.
    seconds : float
        How long the training may take.

    Returns
    -------
    settings : Settings
    total : int
        Both as they were, where the climb has too few steps to tell.
    """
    late = ends[len(ends) // 2 :]
    if len(late) < FEWEST:
        return settings, total
    usual = statistics.median(end - begin for begin, end in zip(late, late[1:], strict=False))
    total = len(ends) + _steps_in(seconds - ends[-1], usual)
    return dataclasses.replace(settings, warmup=len(ends) / total), total


def _steps_in(seconds, usual):
    """Return how many steps of `usual` seconds fit, and the closing work with them; at least one."""
    left = seconds * (1 - MARGIN) - min(CLOSING, seconds / 5)
    return max(1, int(left / usual))
