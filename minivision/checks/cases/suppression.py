"""Cases for non-maximum suppression: crowds, equals in score and place, boxes without area, one label and many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision.checks.cases.boxes import AWKWARD, random_boxes

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def nms(rng: np.random.Generator) -> Cases:
    for count in (0, 1, 2, 30, 90):
        boxes, scores = random_boxes(rng, count), rng.random(count)
        for iou_threshold in (0.0, 0.3, 0.5, 0.7, 1.0):
            yield (boxes, scores, iou_threshold), {}
    yield (boxes, rng.integers(0, 4, 90).astype(float), 0.4), {}  # many equals: the lower index first
    yield (boxes, np.where(scores > 0.5, np.inf, -np.inf), 0.4), {}
    yield (np.round(boxes / 8) * 8, scores, 0.5), {}  # many equal boxes, many an IoU of exactly 0.5
    yield (AWKWARD, rng.random(len(AWKWARD)), 0.5), {}
    # An IoU of a tenth: in float32 that is more than 0.1, in float64 it is not.
    yield (np.array([[0.0, 0.0, 10.0, 1.0], [0.0, 0.0, 1.0, 1.0]]), np.array([0.5, 0.25]), 0.1), {}


def batched_nms(rng: np.random.Generator) -> Cases:
    for (boxes, scores, iou_threshold), _ in nms(rng):
        for labels in (1, 3, 1000):
            yield (boxes, scores, rng.integers(-labels // 2, labels, len(boxes)), iou_threshold), {}
    huge = np.array([2**40, 2**40 + 1, 2**40] * 30)
    yield (boxes[:0], scores[:0], huge[:0], 0.5), {}
    yield (random_boxes(rng, 90), rng.random(90), huge, 0.2), {}  # labels that no float32 tells apart
