"""How the learning rate changes on the way: pure functions of the step and the total number of steps."""

import math


def constant(progress):
    """Return 1 throughout."""
    return 1.0


def step(progress):
    """Return 1, 0.1 after two thirds of the way, 0.01 after eight ninths (Mask R-CNN: 60k, 80k, 90k)."""
    return 1.0 if progress < 2 / 3 else 0.1 if progress < 8 / 9 else 0.01


def cosine(progress):
    """Return half a cosine from 1 down to 0 (Loshchilov and Hutter, SGDR, 2017, equation 5, no restarts)."""
    return 0.5 * (1 + math.cos(math.pi * progress))


SCHEDULES = {"constant": constant, "step": step, "cosine": cosine}


def climbing_steps(warmup, total):
    """Return how many of `total` steps the climb takes, if it takes the part `warmup` of them."""
    return math.ceil(warmup * total - 1e-9)  # n / total of `total` are n steps, whatever the rounding


def rate_factor(schedule, step, total, *, warmup=0.05):
    """Return what the learning rate is multiplied by at one step.

    It climbs in a straight line over the first steps, while the running averages of batch normalisation and
    Adam are still poor, then follows the schedule.

    Parameters
    ----------
    schedule : str
        ``"constant"``, ``"step"`` or ``"cosine"``.
    step : int
        Steps already taken, 0 to ``total - 1``.
    total : int
        Steps of the whole training.
    warmup : float
        The part of `total` that the climb takes, 0 to 1.

    Returns
    -------
    float
        More than 0, at most 1.
    """
    if schedule not in SCHEDULES:
        raise ValueError(f"schedule: expected one of {', '.join(SCHEDULES)}, got {schedule!r}")
    if not 0 <= step < total:
        raise ValueError(f"step: expected 0 to {total - 1}, got {step}")
    climb = climbing_steps(warmup, total)
    if step < climb:
        return (step + 1) / climb
    return SCHEDULES[schedule]((step - climb) / (total - climb))
