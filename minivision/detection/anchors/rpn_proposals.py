"""Proposals of a region proposal network: which of its boxes, one for each anchor, the second stage looks at.

Both functions are made of operations that have kernels, and need none of their own.

References
----------
Ren, He, Girshick and Sun, "Faster R-CNN: towards real-time object detection with region proposal networks", NIPS 2015.
"""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.arguments import check_same_shape, check_shape, floats, integer, number, size_pair
from minivision.core.dispatch import operation
from minivision.core.types import Array, Size


def _check_candidate_boxes(logits, deltas, anchors, size, pre_nms_top_n, min_size):
    logits, deltas, anchors = floats(logits=logits, deltas=deltas, anchors=anchors)
    check_shape("logits", logits, "K", meaning="a number for each anchor of one image")
    check_same_shape("deltas", deltas, (len(logits), 4), "four numbers for each anchor")
    check_same_shape("anchors", anchors, (len(logits), 4), "a box for each of the logits")
    pre_nms_top_n = integer("pre_nms_top_n", pre_nms_top_n, minimum=0)
    return logits, deltas, anchors, size_pair("size", size), pre_nms_top_n, number("min_size", min_size, minimum=0)


@operation(check=_check_candidate_boxes, returns=("boxes", "scores"))
def candidate_boxes(
    logits: Array, deltas: Array, anchors: Array, size: Size, *, pre_nms_top_n: int, min_size: float = 1.0
) -> tuple[Array, Array]:
    """Decode the boxes with the best scores of an image, clip them to the image, and drop those that are too small.

    Parameters
    ----------
    logits : ndarray of shape (K,)
        Score of each anchor: the logit of the probability of an object.
    deltas : ndarray of shape (K, 4)
        Offsets from each anchor to its predicted box, as ``encode_boxes`` returns them.
    anchors : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels.
    size : (int, int)
        Height and width of the image.
    pre_nms_top_n : int
        Number of anchors that take part: those with the best scores, of equal ones the first; or all, if there are
        fewer. Boxes that are dropped are not replaced.
    min_size : float
        Smallest width and height of a box, in pixels, after clipping: a box that lies outside of the image has none.

    Returns
    -------
    boxes : ndarray of shape (P, 4)
        The best first; many may lie on the same object. P may be 0.
    scores : ndarray of shape (P,)
        Their logits.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Faster R-CNN, section 3.3, and its published code, which has the two limits.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import candidate_boxes
    >>> anchors = np.array([[0.0, 0.0, 8.0, 8.0], [4.0, 0.0, 12.0, 8.0], [90.0, 0.0, 98.0, 8.0]])
    >>> deltas = np.array([[0.5, 0, 0, 0], [-1.0, 0, 0, 0], [0, 0, 0, 0]])
    >>> boxes, scores = candidate_boxes(np.array([1.0, 2.0, 3.0]), deltas, anchors, (32, 32), pre_nms_top_n=3)
    >>> boxes.tolist(), scores.tolist()
    ([[0.0, 0.0, 4.0, 8.0], [4.0, 0.0, 12.0, 8.0]], [2.0, 1.0])
    """
    best = np.argsort(-logits, kind="stable")[:pre_nms_top_n]
    boxes = ops.clip_boxes_to_image(ops.decode_boxes(deltas[best], anchors[best]), size)
    large = ops.remove_small_boxes(boxes, min_size)
    return boxes[large], logits[best[large]]


def _check_select_proposals(logits, deltas, anchors, size, pre_nms_top_n, post_nms_top_n, iou_threshold, min_size):
    *arguments, min_size = _check_candidate_boxes(logits, deltas, anchors, size, pre_nms_top_n, min_size)
    post_nms_top_n = integer("post_nms_top_n", post_nms_top_n, minimum=0)
    iou_threshold = number("iou_threshold", iou_threshold)
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"iou_threshold: expected an IoU in 0 .. 1, got {iou_threshold}")
    return *arguments, post_nms_top_n, iou_threshold, min_size


@operation(check=_check_select_proposals, returns=("proposals",))
def select_proposals(
    logits: Array,
    deltas: Array,
    anchors: Array,
    size: Size,
    *,
    pre_nms_top_n: int,
    post_nms_top_n: int,
    iou_threshold: float = 0.7,
    min_size: float = 1.0,
) -> Array:
    """Select the proposals of an image: of candidates on the same object only the best, and of these the best few.

    No gradient flows through this: the second stage takes the coordinates of the proposals as constants.

    Parameters
    ----------
    logits : ndarray of shape (K,)
        Score of each anchor.
    deltas : ndarray of shape (K, 4)
        Offsets from each anchor to its predicted box.
    anchors : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels.
    size : (int, int)
        Height and width of the image.
    pre_nms_top_n, min_size
        Which boxes are candidates; see :func:`candidate_boxes`.
    post_nms_top_n : int
        Largest number of proposals: the best of those that non-maximum suppression keeps.
    iou_threshold : float
        A candidate is dropped if its IoU with a kept one of a better score is above this threshold.

    Returns
    -------
    proposals : ndarray of shape (P, 4)
        ``x1, y1, x2, y2`` in pixels, the best first. P may be 0.

    Raises
    ------
    ValueError
        If the shapes do not fit, the score of a candidate is NaN, or the threshold is outside 0 .. 1.

    References
    ----------
    Faster R-CNN, section 3.3, which has the threshold of .7.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import select_proposals
    >>> anchors = np.array([[0.0, 0.0, 8.0, 8.0], [0.0, 1.0, 8.0, 9.0], [20.0, 0.0, 28.0, 8.0]])
    >>> logits, deltas, limits = np.array([1.0, 3.0, 2.0]), np.zeros((3, 4)), {"pre_nms_top_n": 3, "post_nms_top_n": 2}
    >>> select_proposals(logits, deltas, anchors, (32, 32), **limits).tolist()
    [[0.0, 1.0, 8.0, 9.0], [20.0, 0.0, 28.0, 8.0]]
    """
    boxes, scores = candidate_boxes(logits, deltas, anchors, size, pre_nms_top_n=pre_nms_top_n, min_size=min_size)
    return boxes[ops.nms(boxes, scores, iou_threshold)[:post_nms_top_n]]
