"""Exercises of notebook 09: Fast R-CNN."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, function, numbers
from minivision.ops.regions import round_half_away

BOX, STRIDE = (20, 14, 47, 46), 8


@exercise("09.1", because="2.5, 1.75, 5.875 and 5.75 are rounded, and the last row and column belong to the region")
def rows_and_columns(answer: Any) -> str | None:
    """The first and the last column, the first and the last row of the map that RoI pooling reads."""
    exact = np.array(BOX) / STRIDE
    x1, y1, x2, y2 = (round_half_away(value) for value in exact)
    mistakes = [
        (np.floor(exact)[[0, 2, 1, 3]], "it rounds to the nearest cell, not down"),
        ([2, x2, y1, y2], "2.5 is rounded away from zero, as C does it, not to the even number"),
        ([x1, y1, x2, y2], "columns first: first and last column, then first and last row"),
        ([y1, y2, x1, x2], "columns first: first and last column, then first and last row"),
        ([x1, x2 - 1, y1, y2 - 1], "both corners belong to the region"),
    ]
    return numbers(answer, [x1, x2, y1, y2], mistakes, atol=0)


@exercise("09.2", because="ln 2 for the class, and 0 + 0.125 + 0 + 2.5 for the box, which a background does not have")
def losses_of_two_proposals(answer: Any) -> str | None:
    """The multi-task losses of a proposal on an object and of one on the background, two numbers."""
    off = np.array([0, 0.5, 0, 3])
    box, _ = ops.smooth_l1_loss(off, np.zeros(4), reduction="sum")
    log = np.log(2)
    mistakes = [
        ([log + box, log + box], "[u >= 1] is 0 for the background: it has no box"),
        ([log + (off**2).sum(), log], "that has squares; smooth L1 is half the square near 0 and d - 0.5 from 1 on"),
        ([log + (off**2).sum() / 2, log], "from 1 on smooth L1 is a line: d - 0.5"),
        ([log + abs(off).sum(), log], "near 0 smooth L1 is half the square, and a line less 0.5 from 1 on"),
        ([box, 0], "and the class? It costs -log of the probability of the true one"),
        ([log + box / 4, log], "the losses of the four numbers are added up, not averaged"),
    ]
    return numbers(answer, [log + box, log], mistakes, atol=0.01)


def _multi_task(p: np.ndarray, u: np.ndarray, t: np.ndarray, v: np.ndarray) -> np.ndarray:
    rows = np.arange(len(u))
    distance = abs(t[rows, u - 1] - v)  # the row of the background does not count
    box = np.where(distance < 1, distance**2 / 2, distance - 0.5).sum(axis=1)
    return np.mean(-np.log(p[rows, u]) + (u >= 1) * box)


def _all_boxes(p: np.ndarray, u: np.ndarray, t: np.ndarray, v: np.ndarray) -> np.ndarray:
    boxes = _multi_task(np.ones_like(p), np.maximum(u, 1), t, v)  # without a loss of the classes
    return boxes - np.mean(np.log(p[np.arange(len(u)), u]))


def _shifted(p: np.ndarray, u: np.ndarray, t: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _multi_task(p, u, np.roll(t, 1, axis=1), v)


def _squares(p: np.ndarray, u: np.ndarray, t: np.ndarray, v: np.ndarray) -> np.ndarray:
    rows = np.arange(len(u))
    return np.mean(-np.log(p[rows, u]) + (u >= 1) * ((t[rows, u - 1] - v) ** 2).sum(axis=1))


@exercise("09.3", because="one number from which both heads learn, and through them every layer below")
def multi_task_loss(answer: Any) -> str | None:
    """A function of p (K, C + 1), u (K,), t (K, C, 4), v (K, 4): the multi-task loss, the mean over the proposals."""
    rng = np.random.default_rng(0)
    examples = []
    for count, classes in ((5, 3), (8, 2)):
        u = rng.integers(0, classes + 1, count)
        u[:2] = 0, classes
        p = ops.softmax(rng.normal(size=(count, classes + 1)))
        examples.append((p, u, 2 * rng.normal(size=(count, classes, 4)), rng.normal(size=(count, 4))))
    mistakes = [
        (_all_boxes, "proposals of background have no box: [u >= 1]"),
        (_shifted, "the deltas have no row for the background: class u has row u - 1"),
        (_squares, "boxes have smooth L1: half the square below 1, d - 0.5 above"),
        (lambda p, u, t, v: len(u) * _multi_task(p, u, t, v), "averaged over the proposals, not summed"),
        (lambda p, u, t, v: np.mean(-np.log(p[np.arange(len(u)), u])), "that is the class; boxes count too"),
    ]
    return function(answer, _multi_task, examples, mistakes)
