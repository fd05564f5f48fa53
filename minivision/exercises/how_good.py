"""Exercises of notebook 16: how good is a detector?"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from minivision.exercises.judge import exercise, numbers

OBJECTS = np.array([[5, 10, 35, 40], [45, 12, 65, 52], [75, 5, 105, 35], [80, 50, 110, 65]], float)  # A, B, C, D
BOXES = np.array([[6, 11, 36, 40], [45, 10, 64, 50], [2, 8, 33, 40], [81, 9, 110, 38], [20, 55, 45, 68]], float)
CLASSES = ("background", "thing")


def _metrics(boxes: np.ndarray) -> dict[str, Any]:
    """Return COCO's figures of detections, the best score first."""
    from minivision.data import Instances
    from minivision.metrics import average_precision

    truth = Instances(OBJECTS, np.ones(len(OBJECTS), int))
    scores = np.linspace(0.9, 0.1, len(boxes))
    found = Instances(boxes, np.ones(len(boxes), int), scores=scores)
    return average_precision([truth], [found], CLASSES).metrics


@exercise("16.1", because="51 recalls with a precision of 1, 25 with .75, and 25 with 4/6, divided by 101")
def sixth_box(answer: Any) -> str | None:
    """AP50 with a sixth box that lies well on D, one number."""
    right = _metrics(np.concatenate([BOXES, OBJECTS[3:]]))["AP50"]
    mistakes = [
        ((51 + 0.75 * 25 + 25) / 101, "after the sixth box 4 of 6 detections are true: its precision is not 1"),
        ((51 + 4 / 6 * 50) / 101, "interpolate: up to a recall of .75 rank 4 is better than rank 6"),
        (0.5 + 0.25 * 0.75 + 0.25 * 4 / 6, "that is the area under the staircase (VOC); COCO takes 101 points"),
        (_metrics(BOXES)["AP50"], "that is the AP of the five boxes; now there are six"),
        (4 / 6, "that is the precision at the end; AP is a mean over all recalls"),
    ]
    said = numbers(answer, right, mistakes, atol=6e-4)
    hint = "write the staircase down as three heights, and count how many of the 101 recalls have each"
    return hint if said in ("too large", "too small") else said


@exercise("16.2", because="76/101 with all true boxes first; 76 · .6 / 101 with the false ones first")
def best_and_worst(answer: Any) -> str | None:
    """The best and the worst AP50 of the five boxes in any order, two numbers."""
    values = [_metrics(BOXES[list(order)])["AP50"] for order in permutations(range(5))]
    best, worst = max(values), min(values)
    said = numbers(answer, [best, worst], [([worst, best], "the other way round, the best first")], atol=6e-4)
    if said is None or not said.endswith("are right"):
        return said
    high, low = np.asarray(answer, float)
    if abs(high - 1) < 6e-4:
        return "nothing found D, so no order of scores reaches a recall of 1"
    if abs(high - best) > 6e-4:
        return "the best order has all true ones first. Which recall do they reach, and at which precision?"
    return "the worst order has false ones first. Which of the two boxes on A is true then?"


@exercise("16.3", because="AP is exactly a tenth of AP50, and it cannot be less, since AP50 is itself one of the ten")
def sabotage(answer: Any) -> str | None:
    """Five boxes with the same AP50 and the least AP, an array of shape (5, 4)."""
    try:
        moved = np.asarray(answer, float)
    except (TypeError, ValueError):
        return f"five boxes are an array of shape (5, 4), not {type(answer).__name__}"
    if moved.shape != (5, 4):
        return f"five boxes are an array of shape (5, 4), not {moved.shape}"
    if not np.isfinite(moved).all() or (moved[:, 2:] <= moved[:, :2]).any():
        return "a box has x1 < x2 and y1 < y2"
    before, after = _metrics(BOXES), _metrics(moved)
    if abs(after["AP50"] - before["AP50"]) > 1e-9:
        now = f"AP50 is {after['AP50']:.3f}, and was {before['AP50']:.3f}"
        return f"{now}. Did a right box fall below an IoU of .5, or a false one become right?"
    share = after["AP"] / after["AP50"]
    if share < 0.1 + 1e-9:
        return None
    return f"AP is {share:.2f} of AP50. Which IoU may a right box have at most, so that .55 fails already?"
