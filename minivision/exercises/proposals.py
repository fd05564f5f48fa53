"""Exercises of notebook 07: region proposals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minivision.exercises.judge import exercise, numbers


@exercise("07.1", because="a box is two grid lines of 65 in each direction")
def boxes_of_an_image(answer: Any) -> str | None:
    """How many boxes an image of 64 x 64 has, and how many minutes a classifier takes that judges 1000 a second."""
    count = math.comb(65, 2) ** 2
    mistakes = [
        ([math.comb(64, 2) ** 2, math.comb(64, 2) ** 2 / 60000], "64 pixels have 65 lines between and around them"),
        ([math.comb(65, 2), math.comb(65, 2) / 60000], "two lines from left to right, and two from top to bottom"),
        ([count, count / 1000], "minutes, not seconds"),
        ([65**4, 65**4 / 60000], "the two lines are different, and their order does not matter"),
    ]
    return numbers(answer, [count, count / 60000], mistakes, atol=0.5)


@exercise("07.2", because="each merge adds one region and one box, until one region is left")
def boxes_of_a_hierarchy(answer: Any) -> str | None:
    """How many merges a hierarchy has that begins with 100 regions, and how many boxes."""
    mistakes = [
        ([100, 200], "when one region is left there is nothing to merge"),
        ([99, 99], "the regions of the beginning have boxes, too"),
        ([99, 100], "each merge makes a region that is new, and so a box"),
        ([50, 150], "two become one, and that one merges again"),
    ]
    return numbers(answer, [99, 199], mistakes, atol=0)


@exercise("07.3", because="recall counts who is covered, MABO asks how well, with each class alike")
def recall_and_mabo(answer: Any) -> str | None:
    """Best overlaps of three cups (.9, .6, .2) and one plate (.5): recall at .5 of all objects, and MABO."""
    from minivision.data import Instances
    from minivision.metrics import evaluate_proposals

    widths = [90.0, 60.0, 20.0, 50.0]  # within objects of 100 x 10: so the overlaps are .9, .6, .2 and .5
    objects = np.array([[0, 20.0 * k, 100, 20.0 * k + 10] for k in range(4)])
    boxes = np.array([[0, 20.0 * k, width, 20.0 * k + 10] for k, width in enumerate(widths)])
    figures = evaluate_proposals([Instances(objects, np.array([1, 1, 1, 2]))], [boxes], ("background", "cup", "plate"))
    right = [figures["recall"][None], figures["mabo"][None]]
    cups = (0.9 + 0.6 + 0.2) / 3
    mistakes = [
        ([0.5, right[1]], "an overlap of exactly .5 covers the plate"),
        ([right[0], (0.9 + 0.6 + 0.2 + 0.5) / 4], "first the mean of each class, then the mean over classes"),
        ([right[0], cups], "there are two classes"),
        (
            [(2 / 3 + 1) / 2, right[1]],
            "that is the mean of the classes' recalls; here all objects are counted together",
        ),
    ]
    return numbers(answer, right, mistakes)
