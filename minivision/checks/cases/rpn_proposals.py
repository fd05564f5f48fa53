"""Cases for proposals: crowded anchors, boxes at the border and beyond it, small ones, limits that count and do not.

No box is so near a limit (of its size, or of its IoU with another) that rounding decides; whole numbers may be exactly
there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

SIZE = (48, 64)
MIN_SIZES, IOU_THRESHOLDS = (0.0, 1.0, 6.0), (0.3, 0.7)
GAP = 1e-3  # between each number and a limit


def _outputs(rng: np.random.Generator, groups: int = 6, each: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits, deltas and anchors of `groups` objects with `each` boxes near them; some lie off the image."""
    while True:
        corners = rng.uniform(-8, 44, (groups, 2))
        anchors = np.concatenate([corners, corners + rng.uniform(5, 24, (groups, 2))], axis=1).repeat(each, axis=0)
        anchors += rng.uniform(-3, 3, anchors.shape[:1])[:, None]
        deltas = rng.normal(0, 0.15, anchors.shape)
        deltas[::each, 0] += rng.choice([-1, 0, 1], groups)  # an anchor's own width to the side
        boxes = ops.clip_boxes_to_image(ops.decode_boxes(deltas, anchors), SIZE)
        if _is_clear(boxes):
            order = rng.permutation(len(anchors))
            return rng.permutation(len(anchors)) / 4 - 3, deltas[order], anchors[order]


def _is_clear(boxes):
    """Return whether no size and no IoU is near a limit; boxes off the image have exactly no width or height."""
    sizes, iou = boxes[:, 2:] - boxes[:, :2], ops.box_iou(boxes, boxes)
    near_size = [(abs(sizes - limit) < GAP) & (sizes != 0) for limit in MIN_SIZES]
    return not np.any(near_size) and not np.any([abs(iou - limit) < GAP for limit in IOU_THRESHOLDS])


def _limits() -> Iterator[dict[str, Any]]:
    yield {"pre_nms_top_n": 1000}
    yield {"pre_nms_top_n": 12}
    yield {"pre_nms_top_n": 30, "min_size": 6.0}
    yield {"pre_nms_top_n": 30, "min_size": 0.0}


def candidate_boxes(rng: np.random.Generator) -> Cases:
    for limits in _limits():
        yield (*_outputs(rng), SIZE), limits
    logits, deltas, anchors = _outputs(rng)
    yield (np.round(logits / 2), deltas, anchors, SIZE), {"pre_nms_top_n": 13}  # many equals: the lower index first
    whole = np.array([[0, 0, 6, 6], [8, 0, 13, 20], [20, 8, 26, 20], [30, 30, 50, 35], [40, 2, 64, 8]], float)
    yield (logits[:5], np.zeros((5, 4)), whole, SIZE), {"pre_nms_top_n": 5, "min_size": 6.0}  # exactly this size stays
    deltas = deltas + [0, 0, 9, 9]  # far more than the largest scale
    yield (logits, deltas, anchors, SIZE), {"pre_nms_top_n": 4}
    yield (logits, deltas, anchors + 500, SIZE), {"pre_nms_top_n": 8}  # all of them off the image
    yield (logits[:0], deltas[:0], anchors[:0], SIZE), {"pre_nms_top_n": 8}


def select_proposals(rng: np.random.Generator) -> Cases:
    for limits in _limits():
        outputs = _outputs(rng)
        yield (*outputs, SIZE), limits | {"post_nms_top_n": 1000}
        yield (*outputs, SIZE), limits | {"post_nms_top_n": 5, "iou_threshold": 0.3}
    logits, deltas, anchors = _outputs(rng)
    yield (logits, deltas, anchors, SIZE), {"pre_nms_top_n": 30, "post_nms_top_n": 4}
    yield (np.round(logits / 2), deltas, anchors, SIZE), {"pre_nms_top_n": 13, "post_nms_top_n": 6}
    yield (logits, deltas, anchors + 500, SIZE), {"pre_nms_top_n": 8, "post_nms_top_n": 8}
    yield (logits[:0], deltas[:0], anchors[:0], SIZE), {"pre_nms_top_n": 8, "post_nms_top_n": 8}
