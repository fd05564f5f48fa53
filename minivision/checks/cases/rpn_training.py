"""Cases for the training of a region proposal network: several images, no objects, no sampled anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision.checks.cases.boxes import random_boxes

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def anchor_targets(rng: np.random.Generator) -> Cases:
    whole = np.array([[0, 0, 10, 10], [0, 0, 10, 5], [0, 4, 10, 14], [20, 0, 28, 8], [40, 40, 50, 60]], float)
    yield (whole, np.array([[0.0, 0.0, 10.0, 9.0], [20.0, 0.0, 29.0, 9.0]])), {}
    boxes = random_boxes(rng, 4)
    near = np.repeat(boxes, 5, axis=0) + rng.uniform(-3, 3, (20, 4))
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    anchors = np.concatenate([near, random_boxes(rng, 10)])[rng.permutation(30)]
    yield (anchors, boxes), {}
    yield (anchors, boxes[:1]), {}
    yield (anchors, boxes), {"fg_iou_thresh": 0.5, "bg_iou_thresh": 0.4}
    yield (anchors, boxes), {"fg_iou_thresh": 0.45}
    yield (anchors, boxes), {"bg_iou_thresh": 0.05}
    yield (anchors, boxes), {"fg_iou_thresh": 0.9, "bg_iou_thresh": 0.9}
    yield (random_boxes(rng, 12), random_boxes(rng, 3)), {}  # hardly an anchor matches but the best ones
    equal = np.array([[0, 0, 8, 8], [2, 0, 10, 8], [0, 2, 8, 10], [2, 2, 10, 10], [30, 30, 34, 34]], float)
    yield (equal, np.array([[1.0, 1.0, 9.0, 9.0], [60.0, 60.0, 70.0, 70.0]])), {}
    yield (anchors, np.zeros((0, 4))), {}
    yield (np.zeros((0, 4)), boxes), {}


def rpn_loss(rng: np.random.Generator) -> Cases:
    for N, K, positives, negatives, beta in ((1, 6, 2, 3, 1.0), (2, 4, 2, 4, 0.5), (3, 3, 1, 5, 1 / 9)):
        sampled = rng.permutation(N * K)[: positives + negatives]
        positive, negative = np.sort(sampled[:positives]), np.sort(sampled[positives:])
        logits, deltas = 2 * rng.standard_normal((N, K)), 0.5 * rng.standard_normal((N, K, 4))
        targets = 0.5 * rng.standard_normal((positives, 4))
        yield (logits, deltas, positive, negative, targets), {}
        yield (logits, deltas, positive, negative, targets), {"beta": beta}
    none = positive[:0]
    yield (logits, deltas, positive, none, targets), {}
    yield (logits, deltas, none, negative, targets[:0]), {}  # no object in any image
    yield (logits, deltas, none, none, targets[:0]), {}
    yield (100 * logits, deltas, positive, negative, targets), {}
