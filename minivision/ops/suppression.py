"""Non-maximum suppression: of several boxes on the same object, keep the one with the best score."""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import check_same_shape, check_shape, floats, integers, number
from minivision.core.dispatch import operation
from minivision.core.types import Array
from minivision.ops.boxes import box_iou, check_coordinates


def _check_nms(boxes, scores, iou_threshold):
    boxes, scores = floats(boxes=boxes, scores=scores)
    check_shape("boxes", boxes, "K, 4", meaning="a box in each row")
    check_coordinates("boxes", boxes)
    check_same_shape("scores", scores, boxes.shape[:1], "one for each box")
    unordered = scores != scores
    if unordered.any():
        raise ValueError(
            f"scores: got NaN at ({int(np.argmax(unordered))},), which cannot be sorted; "
            f"find its origin, often a training that diverged"
        )
    iou_threshold = number("iou_threshold", iou_threshold)
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"iou_threshold: expected an IoU in 0 .. 1, got {iou_threshold}")
    return boxes, scores, _not_above(iou_threshold, boxes.dtype)


def _not_above(threshold, dtype):
    """Return the largest number of this dtype that is at most the threshold.

    A float32 is above 0.1 if and only if it is above this number; float32(0.1) itself is more than 0.1.
    """
    if dtype != np.float32:
        return threshold
    nearest = np.float32(threshold)
    # compared as Python floats: NumPy would round the threshold first
    return float(nearest if float(nearest) <= threshold else np.nextafter(nearest, np.float32(-1)))


@operation(check=_check_nms, returns=("keep",))
def nms(boxes: Array, scores: Array, iou_threshold: float) -> Array:
    """Non-maximum suppression: keep the box with the best score, drop the boxes that overlap it, repeat with the rest.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels.
    scores : ndarray of shape (K,)
        Confidence of each box.
    iou_threshold : float
        A box is dropped if its IoU with a kept box of a better score is above this threshold.

    Returns
    -------
    keep : int64 ndarray of shape (K',)
        Indices of the kept boxes, by descending score; of equal scores the lower index comes first. There may be no
        boxes at all.

    Raises
    ------
    ValueError
        If a score is NaN, a coordinate is NaN or infinite, or the threshold is outside 0 .. 1.

    References
    ----------
    Felzenszwalb et al., "Object Detection with Discriminatively Trained Part Based Models", 2010, section 7.2.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 30]])
    >>> ops.nms(boxes, np.array([0.8, 0.9, 0.7]), 0.5).tolist()
    [1, 2]
    """
    keep: list[int] = []
    for i in np.argsort(-scores, kind="stable"):  # best first; equal scores keep their order
        if (box_iou(boxes[i : i + 1], boxes[keep]) <= iou_threshold).all():
            keep.append(i)
    return np.array(keep, np.int64)


def _check_batched_nms(boxes, scores, labels, iou_threshold):
    boxes, scores, iou_threshold = _check_nms(boxes, scores, iou_threshold)
    labels = integers("labels", labels)
    check_same_shape("labels", labels, scores.shape, "one for each box")
    return boxes, scores, labels, iou_threshold


@operation(check=_check_batched_nms, returns=("keep",))
def batched_nms(boxes: Array, scores: Array, labels: Array, iou_threshold: float) -> Array:
    """Non-maximum suppression within each class, or each image: boxes with different labels do not suppress each other.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels.
    scores : ndarray of shape (K,)
        Confidence of each box.
    labels : int ndarray of shape (K,)
        Class or image of each box.
    iou_threshold : float
        A box is dropped if its IoU with a kept box of the same label and a better score is above this threshold.

    Returns
    -------
    keep : int64 ndarray of shape (K',)
        Indices of the kept boxes of all labels, by descending score; of equal scores the lower index comes first.

    Raises
    ------
    ValueError
        If a score is NaN, a coordinate is NaN or infinite, or the threshold is outside 0 .. 1.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> boxes = np.array([[0.0, 0, 10, 10], [1, 1, 11, 11], [0, 0, 10, 10]])
    >>> ops.batched_nms(boxes, np.array([0.8, 0.9, 0.7]), np.array([1, 1, 2]), 0.5).tolist()
    [1, 2]
    """
    stays = np.zeros(len(scores), bool)
    for label in np.unique(labels):
        rivals = np.flatnonzero(labels == label)
        stays[rivals[nms(boxes[rivals], scores[rivals], iou_threshold)]] = True
    order = np.argsort(-scores, kind="stable")
    return order[stays[order]]
