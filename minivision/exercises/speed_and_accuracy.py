"""Exercises of notebook 13: speed and accuracy."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision.exercises.judge import choice, exercise, function, numbers


@exercise("13.1", because="convolutions run at every pixel, so the square of .75 is left")
def what_is_left(answer: Any) -> str | None:
    """Which fraction of the multiply-adds is left, one number."""
    mistakes = [
        (0.75, "that is one side; an image has two"),
        (1 - 0.75**2, "that is what is gone"),
        (0.25, "a quarter less on each side, not a quarter left"),
        (0.75**3, "pixels have two directions; the number of channels does not change"),
        (56.25, "as a fraction, between 0 and 1"),
    ]
    return numbers(answer, 0.75**2, mistakes)


@exercise("13.2", because="A is faster and more accurate, so nobody has a reason to take B")
def beaten(answer: Any) -> str | None:
    """A letter: the detector that nobody should take."""
    why = {
        "A": "nothing is faster than A",
        "C": "what is faster than C is less accurate",
        "D": "nothing is more accurate than D; whether .01 is worth 20 ms is another question",
    }
    return choice(answer, "B", why)


def _front(times: np.ndarray, qualities: np.ndarray) -> Any:
    as_good = (times[None] <= times[:, None]) & (qualities[None] >= qualities[:, None])
    better = (times[None] < times[:, None]) | (qualities[None] > qualities[:, None])
    return ~(as_good & better).any(axis=1)


def _strict(times: np.ndarray, qualities: np.ndarray) -> Any:
    return ~((times[None] < times[:, None]) & (qualities[None] > qualities[:, None])).any(axis=1)


def _loose(times: np.ndarray, qualities: np.ndarray) -> Any:
    return ((times[None] <= times[:, None]) & (qualities[None] >= qualities[:, None])).sum(axis=1) == 1


@exercise("13.3", because="what is left is the curve along which one pays time for accuracy")
def front(answer: Any) -> str | None:
    """A function of times and qualities, (K,) each, that returns which detectors no other one beats."""
    rng = np.random.default_rng(0)
    examples = [
        (np.array([5.0, 8, 10, 30]), np.array([0.5, 0.48, 0.6, 0.61])),
        (rng.uniform(1, 50, 20), rng.uniform(0.3, 0.7, 20)),
        (np.array([5.0, 5, 9, 9, 12, 12]), np.array([0.5, 0.4, 0.5, 0.6, 0.6, 0.6])),
        (np.array([5.0, 5, 9]), np.array([0.5, 0.5, 0.4])),
    ]
    mistakes = [
        (_strict, "what is as accurate and slower, or as fast and less accurate, is beaten too"),
        (_loose, "two alike detectors do not beat each other"),
        (lambda t, q: ~_front(t, q), "these are the beaten ones"),
        (lambda t, q: q == q.max(), "that is the most accurate one; a fast one may be unbeaten too"),
        (lambda t, q: _front(-t, q), "less time is better"),
        (lambda t, q: _front(t, -q), "more accuracy is better"),
    ]
    return function(answer, _front, examples, mistakes)
