"""Exercises of notebook 00: the lecture in one page."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import choice, exercise, numbers


@exercise("00.1", because="each object has a mask of its own, so two that touch stay two")
def two_cows(answer: Any) -> str | None:
    """The task that says of each pixel of two touching cows which cow it belongs to, its name."""
    why_not = {
        "semantic segmentation": "it says cow at all of these pixels, and not which",
        "localization": "it has room for one object",
        "object detection": "it returns two boxes, and they share pixels",
    }
    return choice(answer, "instance segmentation", why_not)


@exercise("00.2", because="and detection? That depends on the image, which is what makes it hard")
def how_many_numbers(answer: Any) -> str | None:
    """How many numbers each answer has: a label map of 96 x 96, a class with a box, a pose of 14 joints."""
    pixels = 96 * 96
    mistakes = [
        ([pixels, 4, 28], "the class is a number, too"),
        ([pixels, 5, 14], "a joint is an x and a y"),
        ([96, 5, 28], "a number for each pixel: rows times columns"),
    ]
    return numbers(answer, [pixels, 1 + 4, 2 * 14], mistakes, atol=0)


@exercise("00.3", because="(n - 1) stride + k places, and each copy shares k - stride of them with the next one")
def letters(answer: Any) -> str | None:
    """Of a transpose convolution of three numbers with a filter of four and stride 2: outputs, and sums among them."""
    x, w = np.ones((1, 1, 1, 3)), np.ones((1, 1, 1, 4))
    copies = ops.conv_transpose2d(x, w, stride=2)
    outputs, sums = copies.size, int((copies > 1).sum())
    mistakes = [
        ([12, 0], "the copies are written two places apart, so they overlap"),
        ([6, 4], "the last copy of the filter is four long: it ends behind the place where it begins"),
        ([outputs, 2], "two copies overlap in two places, and there are three copies"),
        ([outputs, 1], "with a filter of three it is one place for each pair of copies; here it is longer"),
    ]
    return numbers(answer, [outputs, sums], mistakes, atol=0)
