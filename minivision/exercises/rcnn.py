"""Exercises of notebook 08: R-CNN."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, function, numbers

IMAGES, SECONDS = 4952, 47  # of the test set of VOC 2007; for one image with VGG16


@exercise("08.1", because="4,952 times 47 seconds are 232,744 seconds: a second idea waits for almost three days")
def hours_for_the_test_set(answer: Any) -> str | None:
    """How many hours R-CNN needs for the 4,952 test images of VOC 2007, one number."""
    seconds = IMAGES * SECONDS
    mistakes = [
        (seconds, "these are seconds"),
        (seconds / 60, "these are minutes"),
        (seconds / 86400, "these are days"),
        (IMAGES * 49 / 3600, "that counts the proposals too; 47 seconds is without them"),
    ]
    return numbers(answer, seconds / 3600, mistakes, atol=0.51)


BOXES = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [0, 2, 10, 12], [20, 0, 30, 10], [21, 1, 31, 11]], float)
SCORES = np.array([0.7, 0.9, 0.6, 0.5, 0.8])


@exercise("08.2", because="the best box of each heap stays; the others overlap with it by .82, .56 and .68")
def kept_boxes(answer: Any) -> str | None:
    """The numbers of the boxes that suppression keeps at a threshold of .5, the best score first."""
    kept = ops.nms(BOXES, SCORES, 0.5)
    mistakes = [
        (kept[::-1], "these are kept; the best score comes first"),
        (ops.nms(BOXES, SCORES, 0.6), "boxes 1 and 2 share 72 of 128 pixels: their IoU is .56, above .5"),
        ([0, 3], "the order is that of the scores, not of the boxes: box 1 with .9 comes first"),
        (kept + 1, "boxes are counted from 0"),
    ]
    return numbers(answer, kept, mistakes, atol=0)


def _hinge_gradient(scores: np.ndarray, targets: np.ndarray) -> np.ndarray:
    return ops.hinge_loss(scores, targets, reduction="sum")[1]


@exercise("08.3", because="whoever is beyond the margin is done with; all others are pushed with the same force")
def hinge_gradient(answer: Any) -> str | None:
    """A function of scores and targets (+1 or -1): the gradient of the summed hinge loss with margin 1."""
    rng = np.random.default_rng(0)
    examples = [
        (np.array([2.0, 0.4, -0.3, -2.0]), np.array([1.0, 1.0, 1.0, -1.0])),
        (3 * rng.normal(size=12), rng.choice([-1.0, 1.0], 12)),
    ]
    mistakes = [
        (
            lambda s, t: np.where(t * s < 0, -t, 0.0),
            "the loss ends where t s is 1, not where it is 0: that is the margin",
        ),
        (lambda s, t: -_hinge_gradient(s, t), "the sign: for a target of +1 the loss falls when the score grows"),
        (lambda s, t: np.where(t * s < 1, -s, 0.0), "the derivative of 1 - t s by s is -t"),
        (lambda s, t: np.maximum(0, 1 - t * s), "that is the loss; its gradient is wanted"),
        (lambda s, t: -t, "beyond the margin there is no loss, and no gradient"),
        (lambda s, t: _hinge_gradient(s, t) / len(s), "that is the gradient of the mean; the sum is wanted"),
    ]
    return function(answer, _hinge_gradient, examples, mistakes)
