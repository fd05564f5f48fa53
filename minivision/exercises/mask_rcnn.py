"""Exercises of notebook 14: Mask R-CNN."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, function, numbers

MAP = np.arange(36.0).reshape(1, 1, 6, 6)  # 6 · row + column


@exercise("14.1", because="the centers of cells are at a half, so it is row 1.4, column 1.8: 6 · 1.4 + 1.8")
def a_sample(answer: Any) -> str | None:
    """What RoIAlign reads at x = 2.3, y = 1.9, one number."""
    x, y = 2.3, 1.9
    right = ops.roi_align(MAP, np.array([[0, x - 0.5, y - 0.5, x + 0.5, y + 0.5]]), 1, sampling_ratio=1).item()
    mistakes = [
        (6 * y + x, "the center of the first cell is at .5, not at 0"),
        (MAP[0, 0, 1, 2], "that is the cell in which the point lies; RoIAlign blends four"),
        (MAP[0, 0, 1, 1], "that is the nearest center on the upper left; RoIAlign blends four"),
        (6 * 1.8 + 1.4, "y goes with the rows, x with the columns"),
        (MAP[0, 0, 2, 2], "that is rounded, as RoI pooling does it"),
    ]
    return numbers(answer, right, mistakes)


@exercise("14.2", because="10 · 80 · 28 · 28 logits, of which the map of the true class is one in 80")
def logits_and_gradients(answer: Any) -> str | None:
    """How many mask logits there are, and how many get a gradient, two numbers."""
    cells = 28 * 28
    mistakes = [
        ([800 * cells, 800 * cells], "the loss looks only at the map of the true class"),
        ([800 * cells, cells], "that is one region; there are ten"),
        ([80 * cells, cells], "that is one region; there are ten"),
        ([810 * cells, 10 * cells], "the background has no mask"),
        ([800 * 14 * 14, 10 * 14 * 14], "that is for maps of 14 x 14"),
        ([10 * cells, 800 * cells], "the other way round"),
    ]
    return numbers(answer, [800 * cells, 10 * cells], mistakes, atol=0)


def _covered(mask: np.ndarray, S: int) -> np.ndarray:
    rows, columns = mask.shape[0] // S, mask.shape[1] // S
    return mask.reshape(S, rows, S, columns).mean(axis=(1, 3))


def _blocks(mask: np.ndarray, S: int, function: Any) -> np.ndarray:
    rows, columns = mask.shape[0] // S, mask.shape[1] // S
    return function(mask.reshape(S, rows, S, columns).astype(float), axis=(1, 3))


def _centers(mask: np.ndarray, S: int) -> np.ndarray:
    rows, columns = mask.shape[0] // S, mask.shape[1] // S
    return mask[rows // 2 :: rows, columns // 2 :: columns].astype(float)


def _mixed(mask: np.ndarray, S: int) -> np.ndarray:
    rows, columns = mask.shape[0] // S, mask.shape[1] // S
    return mask.reshape(rows, S, columns, S).mean(axis=(0, 2))


@exercise("14.3", because="a cell that an arm crosses is neither 0 nor 1, and the cross-entropy takes both")
def soft_target(answer: Any) -> str | None:
    """A function of a mask (H, W) and S, a divisor of both, that returns the covered fraction of S x S cells."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:56, :84]
    examples = [
        ((x - 40) ** 2 / 3 + (y - 30) ** 2 < 400, 14),
        (rng.uniform(size=(12, 20)) < 0.4, 4),
        (rng.uniform(size=(9, 6)) < 0.7, 3),
    ]
    mistakes = [
        (lambda m, S: _blocks(m, S, np.max), "that says whether any pixel is covered; which fraction is?"),
        (lambda m, S: _blocks(m, S, np.min), "that says whether all pixels are covered; which fraction is?"),
        (lambda m, S: _blocks(m, S, np.sum), "these are numbers of pixels; divide by those of a cell"),
        (_centers, "that looks at one pixel of each cell: thin arms are hit or missed by chance"),
        (lambda m, S: np.round(_covered(m, S)), "do not round: .4 is a target too"),
        (_mixed, "the pixels of a cell lie together: reshape to (S, H / S, S, W / S)"),
        (lambda m, S: 1 - _covered(m, S), "that is the fraction that is not covered"),
    ]
    return function(answer, _covered, examples, mistakes)
