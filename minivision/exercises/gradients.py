"""Exercises of notebook 01: gradients you can trust."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision.exercises.judge import exercise, function, numbers


@exercise("01.1", because="the errors are h² = 0.01 and 6 h + h² = 0.61: both sides cancel what is odd in h")
def quotients_of_a_cube(answer: Any) -> str | None:
    """The difference quotients of x³ at 2 with a step of 0.1: to both sides, and to one side."""
    both, one = (2.1**3 - 1.9**3) / 0.2, (2.1**3 - 2.0**3) / 0.1
    mistakes = [
        ([one, both], "the other way round: the one to both sides is the better one"),
        ([12, 12], "that is the derivative; the quotients are a little off"),
        ([2 * both, one], "to both sides the two points are 2 h apart, so divide by 2 h"),
        ([both, (2.0**3 - 1.9**3) / 0.1], "that steps back; one step forward is meant"),
    ]
    return numbers(answer, [both, one], mistakes)


@exercise("01.2", because="nobody stores the table: a backward pass multiplies by its transpose without it")
def entries_of_a_jacobian(answer: Any) -> str | None:
    """For a layer from 64 maps of 32 x 32 to as many: the entries of its Jacobian, and those of dx."""
    values = 64 * 32 * 32
    mistakes = [
        ([values, values], "a row for each output and a column for each input"),
        (
            [64**2 * 9, values],
            "that counts the weights of a 3 x 3 filter; the table says how each output moves with each input",
        ),
        ([values**2, values**2], "dx has the shape of x"),
    ]
    return numbers(answer, [values**2, values], mistakes, atol=0.5)


def _two_paths(dy: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the gradient by finite differences: of y = x sum(x)."""
    dx, h = np.zeros_like(x), 1e-5
    for k in range(x.size):
        move = h * np.eye(x.size)[k]
        high, low = (moved * moved.sum() for moved in (x + move, x - move))
        dx[k] = (dy * (high - low)).sum() / (2 * h)
    return dx


@exercise("01.3", because="each number reaches the outputs by two paths, and their gradients add up")
def times_the_sum(answer: Any) -> str | None:
    """The backward pass of y = x * x.sum(): a function of dy and x, both of shape (n,), that returns dx."""
    examples = [(np.array([1.0, -2, 0.5]), np.array([2.0, 0.5, -1])), (np.array([0.3, 1, -1, 2]), np.arange(4.0))]
    mistakes = [
        (lambda dy, x: dy * x.sum(), "that is one path: x as the factor. It is also in the sum"),
        (lambda dy, x: np.full_like(x, (dy * x).sum()), "that is one path: x in the sum. It is also the factor"),
        (lambda dy, x: dy * (x.sum() + x), "x[i] is in the sum of all outputs, not of output i alone"),
        (lambda dy, x: dy * x.sum() + x.sum(), "each output counts by its dy, in both paths"),
    ]
    return function(answer, _two_paths, examples, mistakes, atol=1e-4)
