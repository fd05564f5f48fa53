"""Exercises of notebook 10: Faster R-CNN."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.core.types import Size
from minivision.exercises.judge import choice, exercise, function, numbers


@exercise("10.1", because="it is below .7 and not below .3, and the object has a better anchor")
def fate_of_an_anchor(answer: Any) -> str | None:
    """One of three words: positive, background or ignored."""
    why = {
        "positive": "it would be from an IoU of .7 on, or if it were the best anchor of the object",
        "background": "only anchors below .3 with all objects are background",
    }
    return choice(answer, "ignored", why)


@exercise("10.2", because="40 · 60 · 9 anchors; at each place 9 logits and 36 deltas")
def anchors_and_outputs(answer: Any) -> str | None:
    """How many anchors there are, and how many numbers our RPN predicts at each place, two numbers."""
    mistakes = [
        (
            [21600, 54],
            "that is the paper's network, with a softmax over two classes; ours has one logit an anchor",
        ),
        ([21600, 36], "and is there an object? One logit more for each anchor"),
        ([2400, 45], "that many places; each has nine anchors"),
        ([21600, 5], "that is for each anchor; a place has nine"),
        ([21600, 45 * 2400], "that is the whole map; one place is asked for"),
    ]
    return numbers(answer, [21600, 45], mistakes, atol=0)


def _large(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the boxes of a pixel or more."""
    large = (boxes[:, 2:] - boxes[:, :2] >= 1).all(axis=1)
    return boxes[large], scores[large]


def _propose(boxes: np.ndarray, scores: np.ndarray, size: Size, count: int) -> np.ndarray:
    boxes, scores = _large(ops.clip_boxes_to_image(boxes, size), scores)
    return boxes[ops.nms(boxes, scores, 0.7)[:count]]


def _unclipped(boxes: np.ndarray, scores: np.ndarray, size: Size, count: int) -> np.ndarray:
    boxes, scores = _large(boxes, scores)
    return boxes[ops.nms(boxes, scores, 0.7)[:count]]


def _clipped_last(boxes: np.ndarray, scores: np.ndarray, size: Size, count: int) -> np.ndarray:
    return ops.clip_boxes_to_image(_unclipped(boxes, scores, size, count), size)


def _small_too(boxes: np.ndarray, scores: np.ndarray, size: Size, count: int) -> np.ndarray:
    boxes = ops.clip_boxes_to_image(boxes, size)
    return boxes[ops.nms(boxes, scores, 0.7)[:count]]


def _without_suppression(boxes: np.ndarray, scores: np.ndarray, size: Size, count: int) -> np.ndarray:
    boxes, scores = _large(ops.clip_boxes_to_image(boxes, size), scores)
    return boxes[np.argsort(-scores, kind="stable")[:count]]


def _counted_first(boxes: np.ndarray, scores: np.ndarray, size: Size, count: int) -> np.ndarray:
    boxes, scores = _large(ops.clip_boxes_to_image(boxes, size), scores)
    best = np.argsort(-scores, kind="stable")[:count]
    return boxes[best][ops.nms(boxes[best], scores[best], 0.7)]


def _examples() -> list[tuple]:
    boxes = np.array(
        [
            [10, 10, 40, 40], [12, 10, 42, 40], [60, -30, 90, 30], [60, 0, 90, 30],  # the fourth is the third, clipped
            [100, 20, 130, 60], [101, 20, 131, 60], [-20, 5, 0.5, 30], [5, 60, 30, 90], [50, 50, 80, 95],
        ],
        float,
    )  # fmt: skip
    scores = np.array([0.9, 0.95, 0.8, 0.7, 0.6, 0.65, 0.85, 0.3, 0.4])
    return [(boxes, scores, (96, 96), 4), (boxes, scores, (96, 128), 6)]


@exercise(
    "10.3",
    because="clip, drop what is too small, suppress, and count last",
)
def proposals(answer: Any) -> str | None:
    """A function of boxes, scores, size and count that returns the proposals, the best first."""

    mistakes = [
        (_unclipped, "proposals end at the edge of the image: clip them first"),
        (_clipped_last, "clip before all else: two boxes may be one after it, and one may be too small"),
        (_small_too, "a box of less than one pixel is no proposal: drop it after clipping"),
        (_counted_first, "suppress first, and then count: duplicates would take the places of others"),
        (_without_suppression, "of boxes that overlap by more than .7 only the best is a proposal"),
    ]
    return function(answer, _propose, _examples(), mistakes)
