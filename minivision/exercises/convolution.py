"""Exercises of notebook 02: convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, function, numbers


@exercise("02.1", because="a window fits (n + 2 p - k) // stride + 1 times")
def windows(answer: Any) -> str | None:
    """How many outputs seven pixels give with a window of 3 and stride 2: without zeros, with one at each end."""

    def outputs(padding: int) -> int:
        x, w = np.zeros((1, 1, 1, 7)), np.zeros((1, 1, 1, 3))
        return ops.conv2d(x, w, stride=2, padding=(0, padding)).size

    right = [outputs(0), outputs(1)]
    mistakes = [
        ([2, 3], "the first window counts as well, + 1"),
        ([5, 7], "that is with stride 1"),
        ([3, 3], "two zeros more make room for one more window"),
        (right[::-1], "the other way round"),
    ]
    return numbers(answer, right, mistakes, atol=0)


@exercise("02.2", because="weights do not depend on the size of the map, multiply-adds do: maps cost")
def cost_of_a_layer(answer: Any) -> str | None:
    """Of 64 filters of 64 x 3 x 3 on maps of 32 x 32 with padding 1: parameters with biases, and multiply-adds."""
    weights = 64 * 64 * 3 * 3
    parameters, multiply_adds = weights + 64, weights * 32 * 32
    mistakes = [
        ([weights, multiply_adds], "each filter has a bias, too"),
        ([64 * 9 + 64, 64 * 9 * 32 * 32], "a filter looks at all 64 channels"),
        ([parameters, weights], "all filters are used at each of the 32 x 32 places"),
        ([parameters, parameters * 32 * 32], "adding a bias is no multiplication"),
    ]
    return numbers(answer, [parameters, multiply_adds], mistakes, atol=0.5)


def _spread(dy: np.ndarray, w: np.ndarray) -> np.ndarray:
    x = np.zeros((1, 1, 1, dy.size + w.size - 1))
    return ops.conv2d_backward(dy.reshape(1, 1, 1, -1), x, w.reshape(1, 1, 1, -1))[0].ravel()


@exercise(
    "02.3", because="each dy writes the filter, times itself, into its window; where windows overlap, they add up"
)
def gradient_of_a_row(answer: Any) -> str | None:
    """The gradient dx of a convolution of a row, stride 1, no padding: a function of dy (m,) and w (k,)."""
    examples = [(np.array([1.0, 0, 2]), np.array([1.0, 2, 3])), (np.array([1.0, -1, 0.5, 2]), np.array([0.5, 3]))]
    mistakes = [
        (lambda dy, w: _spread(dy, w[::-1]), "the filter is written as it is read, not turned round"),
        (_overwritten, "where windows overlap the last one wins: += belongs where = stands"),
    ]
    return function(answer, _spread, examples, mistakes)


def _overwritten(dy: np.ndarray, w: np.ndarray) -> np.ndarray:
    dx = np.zeros(dy.size + w.size - 1)
    for i, upstream in enumerate(dy):
        dx[i : i + w.size] = upstream * w
    return dx
