"""Exercises of notebook 11: YOLO."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision.exercises.judge import exercise, function, numbers


@exercise("11.1", because="5 · 3 + 80 in each of 196 cells: the boxes of a cell share one set of class probabilities")
def size_of_the_tensor(answer: Any) -> str | None:
    """How many numbers a cell has, and how many the tensor has, two numbers."""
    cells = 14 * 14
    mistakes = [
        ([96, cells * 96], "the background is no class of YOLO's: where no object is, the confidences are 0"),
        ([255, cells * 255], "classes belong to the cell, not to each of its boxes (that came with YOLOv2)"),
        ([92, cells * 92], "a box has five numbers: x, y, w, h, and its confidence"),
        ([85, cells * 85], "that is for one box in a cell; there are three"),
        ([95, cells], "these are the cells; each has all its numbers"),
    ]
    return numbers(answer, [95, cells * 95], mistakes, atol=0)


def _ratio(power: float, roots: bool = True) -> float:
    small, large = (np.sqrt(w + 0.02) - np.sqrt(w) if roots else 0.02 for w in (0.05, 0.8))
    return (small / large) ** power


@exercise("11.2", because="the difference of the roots falls with the root of the width, and it is squared")
def roots(answer: Any) -> str | None:
    """How many times as much the error of the small box costs, one number."""
    mistakes = [
        (_ratio(1), "squared errors: the loss has the square of that"),
        (1, "that is without the square roots"),
        (16, "that is the ratio of the widths, and not exactly the one of the losses"),
        (1 / _ratio(2), "the other way round: the small box costs more"),
    ]
    return numbers(answer, _ratio(2), mistakes, atol=0.06)


def _left_out(boxes: np.ndarray, S: int, B: int) -> int:
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    column, row = np.minimum((center * S).astype(int), S - 1).T
    return int(np.maximum(np.bincount(row * S + column, minlength=S * S) - B, 0).sum())


def _crowded_cells(boxes: np.ndarray, S: int, B: int) -> int:
    center = (boxes[:, :2] + boxes[:, 2:]) / 2
    column, row = np.minimum((center * S).astype(int), S - 1).T
    return int((np.bincount(row * S + column, minlength=S * S) > B).sum())


def _by_corner(boxes: np.ndarray, S: int, B: int) -> int:
    return _left_out(np.concatenate([boxes[:, :2], boxes[:, :2]], axis=1), S, B)


@exercise("11.3", because="a cell holds B objects; with every further one the network has nowhere to put it")
def left_out(answer: Any) -> str | None:
    """A function of boxes (K, 4), from 0 to 1, S and B that returns how many objects the tensor cannot hold."""
    rng = np.random.default_rng(1)
    examples = []
    for count, S, B in ((40, 4, 2), (25, 3, 1), (60, 5, 3)):
        center, half = rng.uniform(0.15, 0.85, (count, 2)), rng.uniform(0.02, 0.14, (count, 2))
        examples.append((np.concatenate([center - half, center + half], axis=1), S, B))
    mistakes = [
        (_crowded_cells, "that counts cells with too many objects; how many objects are too many?"),
        (lambda boxes, S, B: _left_out(boxes, S, 1), "a cell has B boxes, not one"),
        (lambda boxes, S, B: len(boxes) - _left_out(boxes, S, B), "these are the objects that find a place"),
        (_by_corner, "the cell is that of the center, not of the upper left corner"),
        (lambda boxes, S, B: max(0, len(boxes) - S * S * B), "there may be room in other cells, but not in theirs"),
    ]
    return function(answer, _left_out, examples, mistakes)
