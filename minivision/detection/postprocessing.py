"""The last step of every detector: select the objects from the scores of many boxes."""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.dispatch import fused_kernel
from minivision.core.types import Array, Size
from minivision.data.instances import Instances

SELECTION: dict = {
    "score_threshold": 0.05,
    "iou_threshold": 0.5,
    "max_detections": 100,
}  # where a detector has no other


def select_detections(
    boxes: Array,
    scores: Array,
    size: Size,
    *,
    score_threshold: float = SELECTION["score_threshold"],
    iou_threshold: float = SELECTION["iou_threshold"],
    max_detections: int = SELECTION["max_detections"],
    max_candidates: int | None = None,
) -> Instances:
    """Select detections by their scores and by non-maximum suppression per class.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4) or (K, C, 4)
        In pixels, ``x1, y1, x2, y2``: one for all classes, or one for each.
    scores : ndarray of shape (K, C)
        Score of each box for each class, from 0 to 1, without the background: column c is for label c + 1.
    size : (int, int)
        Height and width of the image, to which boxes are clipped.
    score_threshold : float
        Only boxes with a score above it are kept.
    iou_threshold : float
        If two boxes of a class have a larger intersection over union, the one with the lower score is dropped.
    max_detections : int
        Largest number of detections; those with the highest scores are kept.
    max_candidates : int, optional
        Largest number of scores that take part in non-maximum suppression: the best. More would cost time and bring
        nothing.

    Returns
    -------
    detections : Instances
        With ``scores``, the highest first.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import select_detections
    >>> boxes = np.array([[0, 0, 8, 8], [1, 0, 9, 8], [20, 20, 40, 30]], np.float32)
    >>> found = select_detections(boxes, np.array([[0.5], [0.75], [0.25]]), (32, 32))
    >>> found.boxes.tolist(), found.scores.tolist()
    ([[1.0, 0.0, 9.0, 8.0], [20.0, 20.0, 32.0, 30.0]], [0.75, 0.25])
    """
    scores = np.ascontiguousarray(scores)
    most = scores.size if max_candidates is None else max_candidates
    fused = fused_kernel("detections.select", scores)
    if fused is not None and _fits(boxes, scores) and 0 <= iou_threshold <= 1:
        found_boxes, labels, found_scores = fused(
            boxes, scores, size, score_threshold, most, iou_threshold, max_detections
        )
        return Instances(found_boxes, labels, scores=found_scores)
    _, columns, boxes, scores = detection_candidates(
        boxes, scores, size, score_threshold=score_threshold, max_candidates=max_candidates
    )
    _, kept = suppress_candidates(boxes, scores, columns, iou_threshold=iou_threshold, max_detections=max_detections)
    return Instances(boxes[kept], columns[kept] + 1, scores=scores[kept])


def detection_candidates(
    boxes: Array,
    scores: Array,
    size: Size,
    *,
    score_threshold: float,
    max_candidates: int | None = None,
    **settings: float,
) -> tuple[Array, Array, Array, Array]:
    """Return the boxes that take part in non-maximum suppression: the first step of `select_detections`.

    Parameters are those of `select_detections`; others are not used.

    Returns
    -------
    rows, columns : int64 ndarray of shape (n,)
        Which boxes and classes these are: ``scores[rows, columns]``.
    boxes : ndarray of shape (n, 4)
        Clipped to the image; those without area are left out.
    scores : ndarray of shape (n,)
    """
    most = scores.size if max_candidates is None else max_candidates
    K, C = scores.shape
    rows, columns = np.nonzero(scores > _threshold_for(scores, score_threshold, most))
    boxes = boxes[:, None] if boxes.ndim == 2 else boxes
    boxes = ops.clip_boxes_to_image(np.broadcast_to(boxes, (K, C, 4))[rows, columns], size)
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    rows, columns = rows[solid], columns[solid]
    return rows, columns, boxes[solid], scores[rows, columns]


def suppress_candidates(
    boxes: Array, scores: Array, columns: Array, *, iou_threshold: float, max_detections: int, **settings: float | None
) -> tuple[Array, Array]:
    """Return which candidates are not suppressed, and which of them are selected: the second step.

    Parameters are those of `select_detections`, for the candidates; others are not used.

    Returns
    -------
    unsuppressed, selected : int64 ndarray of shape (n,)
        The best score first.
    """
    unsuppressed = ops.batched_nms(boxes, scores, columns + 1, iou_threshold)
    return unsuppressed, unsuppressed[:max_detections]


def _threshold_for(scores: Array, threshold: float, most: int) -> float:
    """Return `threshold`, or a higher one that no more than `most` scores exceed."""
    above = scores[scores > threshold]
    rank = above.size - most - 1  # counted from the lowest
    return threshold if rank < 0 else np.partition(above, rank)[rank]


def _fits(boxes: Array, scores: Array) -> bool:
    """Return whether the fused function takes these arrays; where they are wrong, the operations say so."""
    return (
        type(boxes) is np.ndarray
        and boxes.flags.carray
        and boxes.dtype == scores.dtype
        and scores.ndim == 2
        and boxes.shape in ((len(scores), 4), (*scores.shape, 4))
    )
