"""Exercises of notebook 06: classification + localization, and pose."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, function, numbers


def _iou(one: list[float], other: list[float]) -> float:
    return float(ops.box_iou(np.array([one], float), np.array([other], float))[0, 0])


@exercise("06.1", because="intersection and union change places: half is half")
def twice_and_half(answer: Any) -> str | None:
    """The IoU of a box that is twice as wide as the object and contains it; of one inside that is half as wide."""
    right = [_iou([0, 0, 20, 4], [0, 0, 10, 4]), _iou([0, 0, 5, 4], [0, 0, 10, 4])]
    mistakes = [
        ([2, 0.5], "an IoU is at most 1: the intersection is no larger than the union"),
        ([1, 0.5], "the union is the larger box"),
        ([0.5, 1], "the intersection is the smaller box"),
        ([1 / 3, 1 / 3], "that would be right if the union were both areas together"),
    ]
    return numbers(answer, right, mistakes)


@exercise("06.2", because="L2 is the same for both; so detectors measure offsets in units of the box")
def two_pixels_off(answer: Any) -> str | None:
    """The IoU of a box that is 2 pixels off to the right, for boxes of 8 x 8 and of 80 x 80."""
    right = [_iou([2, 0, s + 2, s], [0, 0, s, s]) for s in (8.0, 80.0)]
    mistakes = [
        ([6 / 8, 78 / 80], "divide by the union, which is wider than the box"),
        (right[::-1], "the small one suffers more"),
        ([right[0], right[0]], "their L2 is the same, their IoU is not"),
    ]
    return numbers(answer, right, mistakes)


def _oks(distances: np.ndarray, area: float, sigmas: np.ndarray) -> np.ndarray:
    from minivision.metrics import object_keypoint_similarity

    true = np.full((1, distances.size, 3), 2.0)
    predicted = true + np.stack([distances, 0 * distances, 0 * distances], axis=1)
    box = np.array([[0, 0, 1.0, 1]])
    return object_keypoint_similarity(predicted, true, np.array([area]), sigmas, box)[0, 0]


@exercise("06.3", because="near counts 1, far counts 0, and how far far is depends on the person's size and the joint")
def keypoint_similarity(answer: Any) -> str | None:
    """OKS: a function of distances (J,) in pixels, the person's area, and sigmas (J,) that returns one number."""
    sigmas = np.array([0.026, 0.079, 0.107])
    examples = [(np.array([0.0, 3, 9]), 900.0, sigmas), (np.array([1.0, 10, 2]), 400.0, sigmas)]

    def mean_of(exponent: Any) -> Any:
        return lambda d, area, sigmas: np.exp(-exponent(d, area, sigmas)).mean()

    mistakes = [
        (mean_of(lambda d, area, s: d**2 / (2 * area * s**2)), "k is twice sigma"),
        (
            mean_of(lambda d, area, s: d**2 / (area * (2 * s) ** 2)),
            "there is a 2 before the area, as in a normal curve",
        ),
        (mean_of(lambda d, area, s: d**2 / (2 * area**2 * (2 * s) ** 2)), "the area is a square already"),
        (mean_of(lambda d, area, s: d / (2 * area * (2 * s) ** 2)), "the distance is squared"),
        (lambda d, area, s: np.exp(-(d**2) / (2 * area * (2 * s) ** 2)).sum(), "a mean over the joints, not a sum"),
    ]
    return function(answer, _oks, examples, mistakes, atol=1e-4)
