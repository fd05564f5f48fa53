"""Exercises of notebook 12: SSD and YOLOv2."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision.exercises.judge import exercise, function, numbers

PLACES = 32 * 32, 16 * 16, 8 * 8
NEGATIVES = 3  # for each positive


@exercise("12.1", because="4 · 1024 + 6 · 256 + 6 · 64, and two thirds of them are on the finest map")
def default_boxes_of_ours(answer: Any) -> str | None:
    """How many default boxes our SSD has in an image of 128 x 128, one number."""
    fine, middle, coarse = PLACES
    mistakes = [
        (6 * sum(PLACES), "the finest map has four at each place: two squares, one wide and one tall box"),
        (4 * sum(PLACES), "the coarser maps have six at each place: two squares, two wide and two tall boxes"),
        (sum(PLACES), "these are the places; at each there are several boxes"),
        (4 * 24**2 + 6 * 12**2 + 6 * 6**2, "that is for 96 x 96 pixels"),
        (8732, "that is SSD300"),
    ]
    return numbers(answer, 4 * fine + 6 * middle + 6 * coarse, mistakes, atol=0)


@exercise("12.2", because="the sigmoid's inverse is ln(p / (1 - p)), and e to the second gives 1.5")
def outputs_for_a_box(answer: Any) -> str | None:
    """t_x and t_w, two numbers."""
    tx, tw = np.log(0.2 / 0.8), np.log(1.5)
    mistakes = [
        ([0.2, tw], "x goes through a sigmoid: which number does it send to .2?"),
        ([tx, 1.5], "the anchor is multiplied by e to the t_w"),
        ([0.2, 1.5], "these are what should come out; what must the network say before sigmoid and exponential?"),
        ([-tx, tw], "the sign: below the middle of the cell t_x is negative"),
        ([1 / (1 + np.exp(-0.2)), tw], "that is the sigmoid of .2; the other way round"),
        ([tx, -tw], "the sign: the box is larger than the anchor"),
    ]
    return numbers(answer, [tx, tw], mistakes)


def _hardest(background: np.ndarray, labels: np.ndarray, count: int | None = None) -> np.ndarray:
    candidates = np.flatnonzero(labels == 0)
    count = NEGATIVES * int((labels > 0).sum()) if count is None else count
    chosen = np.zeros(len(labels), bool)
    chosen[candidates[np.argsort(background[candidates], kind="stable")[:count]]] = True
    return chosen


def _of_all(background: np.ndarray, labels: np.ndarray) -> np.ndarray:
    chosen = np.zeros(len(labels), bool)
    chosen[np.argsort(background, kind="stable")[: NEGATIVES * int((labels > 0).sum())]] = True
    return chosen


@exercise("12.3", because="few easy ones, three mistakes for each object: so the background does not drown the objects")
def hard_negatives(answer: Any) -> str | None:
    """A function of background (K,), probabilities, and labels (K,) that returns which boxes are hard negatives."""
    rng = np.random.default_rng(0)
    examples = []
    for boxes, positives in ((40, 3), (30, 5), (12, 6)):  # in the last there are fewer than are wanted
        labels = np.zeros(boxes, int)
        labels[rng.permutation(boxes)[:positives]] = rng.integers(1, 4, positives)
        examples.append((rng.uniform(size=boxes), labels))
    mistakes = [
        (lambda b, t: _hardest(-b, t), "these are the easiest: they look most like background"),
        (lambda b, t: _hardest(b, t, 3), "three for each positive box, not three in all"),
        (lambda b, t: _hardest(b, t, int((t > 0).sum())), "three for each positive box, not one"),
        (_of_all, "boxes with an object are no negatives, however little they look like background"),
        (lambda b, t: _hardest(b, t) | (t > 0), "the positive ones are trained on too, but they are no negatives"),
        (lambda b, t: t == 0, "that is all the background"),
    ]
    return function(answer, _hardest, examples, mistakes)
