"""Cases for matching: IoUs small and large, exactly at a threshold, equal ones, no objects, no boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def match(rng: np.random.Generator) -> Cases:
    thresholds, plain = {"fg_iou_thresh": 0.7, "bg_iou_thresh": 0.3}, {"allow_low_quality_matches": False}
    clear = np.array([[0.8, 0.5, 0.1, 0.0, 0.2], [0.1, 0.2, 0.75, 0.05, 0.4]])
    yield (clear,), {**thresholds, **plain}
    yield (clear,), thresholds
    for objects, boxes in ((3, 8), (1, 6), (5, 40), (6, 2)):
        iou = rng.uniform(0, 1, (objects, boxes))
        yield (iou,), {"fg_iou_thresh": 0.6, "bg_iou_thresh": 0.35, **plain}
        yield (iou,), thresholds
        yield (0.6 * iou,), thresholds  # hardly a box matches but the best ones
        yield (0.9 * iou,), {"fg_iou_thresh": 0.5, "bg_iou_thresh": 0.5, **plain}
    exactly = np.array([[0.75, 0.25, 0.5, 0.0], [0.0, 0.25, 0.125, 0.25]])
    yield (exactly,), {"fg_iou_thresh": 0.75, "bg_iou_thresh": 0.25, **plain}
    yield (exactly,), {"fg_iou_thresh": 0.75, "bg_iou_thresh": 0.25}
    equal = rng.integers(0, 3, (4, 9)) / 4
    yield (equal,), {"fg_iou_thresh": 0.75, "bg_iou_thresh": 0.25}
    yield (equal,), {"fg_iou_thresh": 0.5, "bg_iou_thresh": 0.25, **plain}
    nearly = np.array([[0.25, 0.24999, 0.2499999, 0.2], [0.125, 0.0, 0.12499, 0.0]])
    yield (nearly,), thresholds  # nearly the largest is not the largest
    yield (np.array([[0.0, 0.0, 0.0], [0.0, 0.9, 0.5]]),), thresholds  # no box overlaps the first object
    yield (np.zeros((2, 3)),), thresholds
    yield (np.array([[0.5, 0.4], [0.6, 0.1]]),), thresholds  # both objects have the same best box
    for shape in ((0, 3), (2, 0), (0, 0)):
        yield (np.zeros(shape),), thresholds
