"""Exercises of notebook 17: dense captioning."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, function, numbers


@exercise("17.1", because="the region and START come before the words, and END after them")
def inputs_and_outputs(answer: Any) -> str | None:
    """How many inputs the captioner reads for a sentence of three words, and how many outputs the loss looks at."""
    mistakes = [
        ([4, 4], "the code of the region is an input too, before START"),
        ([5, 5], "after the region alone no word is asked for"),
        ([3, 3], "there is more than words: the region and START go in, END comes out"),
        ([5, 3], "END is learned like a word, or no sentence would end"),
        ([4, 5], "the other way round: the region goes in and is not compared with anything"),
        ([6, 4], "END comes out; nothing is read after it"),
    ]
    return numbers(answer, [5, 4], mistakes, atol=0)


def _added(dy: np.ndarray, tokens: np.ndarray, rows: int) -> np.ndarray:
    return ops.embedding_backward(dy, tokens, np.zeros((rows, dy.shape[1])))


def _last(dy: np.ndarray, tokens: np.ndarray, rows: int) -> np.ndarray:
    dtable = np.zeros((rows, dy.shape[1]))
    dtable[tokens] = dy
    return dtable


def _mean(dy: np.ndarray, tokens: np.ndarray, rows: int) -> np.ndarray:
    return _added(dy, tokens, rows) / np.maximum(np.bincount(tokens, minlength=rows), 1)[:, None]


@exercise("17.2", because="a row that was looked up twice gets the sum of both gradients")
def embedding_backward(answer: Any) -> str | None:
    """A function of the gradients of vectors, the numbers of their words, and the length of the table."""
    rng = np.random.default_rng(0)
    examples = [
        (rng.normal(size=(3, 2)), np.array([1, 3, 0]), 4),
        (rng.normal(size=(5, 3)), np.array([2, 0, 2, 2, 1]), 5),
    ]
    mistakes = [
        (_last, "of a word that occurs twice only the last gradient is left (`dtable[tokens] += dy` does that too)"),
        (_mean, "the gradients of a word are added, not averaged"),
    ]
    return function(answer, _added, examples, mistakes)


def _through_time(dy: np.ndarray, h: np.ndarray, u: float) -> np.ndarray:
    du = dh = np.float64(0)
    for t in reversed(range(len(dy))):
        dh = dy[t] + dh
        du = du + dh * h[t]
        dh = dh * u
    return np.asarray(du)


def _own_loss_only(dy: np.ndarray, h: np.ndarray, u: float) -> np.ndarray:
    return np.asarray(np.sum(dy * h[:-1]))


def _undamped(dy: np.ndarray, h: np.ndarray, u: float) -> np.ndarray:
    return _through_time(dy, h, 1.0)


def _next_state(dy: np.ndarray, h: np.ndarray, u: float) -> np.ndarray:
    return _through_time(dy, np.append(h[1:], 0), u)


def _forward(dy: np.ndarray, h: np.ndarray, u: float) -> np.ndarray:
    return _through_time(dy[::-1], np.append(h[-2::-1], 0), u)


@exercise("17.3", because="each state gets a gradient from its own loss and one from the next state, times u")
def through_time(answer: Any) -> str | None:
    """A function of the upstream gradients, the states and the weight u: the gradient of u."""
    rng = np.random.default_rng(1)
    examples = [(rng.normal(size=4), np.append(0, rng.normal(size=4)), u) for u in (0.5, -1.5)]
    mistakes = [
        (
            _own_loss_only,
            "a state changes all later losses too: carry its gradient on from one moment to the one before",
        ),
        (_undamped, "on its way to the state before the gradient is multiplied by u"),
        (_next_state, "u is multiplied with the state before: h[t], not h[t + 1]"),
        (_forward, "walk from the last moment to the first: a state changes later losses, not earlier ones"),
    ]
    return function(answer, _through_time, examples, mistakes)
