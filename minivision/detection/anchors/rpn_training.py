"""Training of a region proposal network: the matched object and the regression target of each anchor; the loss.

References
----------
Ren, He, Girshick and Sun, "Faster R-CNN: towards real-time object detection with region proposal networks", NIPS 2015.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision import ops
from minivision.core.arguments import check_range, check_same_shape, check_shape, floats, integers, number
from minivision.core.dispatch import operation
from minivision.core.types import Array
from minivision.detection.anchors.matching import check_thresholds, index_all_instances, match
from minivision.ops.boxes import check_coordinates

if TYPE_CHECKING:
    from minivision.data.instances import Instances


def _check_anchor_targets(anchors, boxes, fg_iou_thresh, bg_iou_thresh):
    anchors, boxes = floats(anchors=anchors, boxes=boxes)
    for name, each in (("anchors", anchors), ("boxes", boxes)):
        check_shape(name, each, "K, 4", meaning="a box in each row")
        check_coordinates(name, each)
    return anchors, boxes, *check_thresholds(fg_iou_thresh, bg_iou_thresh)


@operation(check=_check_anchor_targets, returns=("matches", "deltas"))
def anchor_targets(
    anchors: Array, boxes: Array, *, fg_iou_thresh: float = 0.7, bg_iou_thresh: float = 0.3
) -> tuple[Array, Array]:
    """Assign each anchor a ground-truth object and its regression target.

    Parameters
    ----------
    anchors : ndarray of shape (A, 4)
        ``x1, y1, x2, y2`` in pixels.
    boxes : ndarray of shape (G, 4)
        The true objects of the image; there may be none.
    fg_iou_thresh, bg_iou_thresh : float
        The IoU from which an anchor is matched with an object, and below which it is background; see
        :func:`minivision.detection.match`. The best anchors of each object are matched in any case.

    Returns
    -------
    matches : int64 ndarray of shape (A,)
        The index of the object, `BACKGROUND` (-1) or `IGNORED` (-2).
    deltas : ndarray of shape (A, 4)
        The offsets from the anchor to the box of its object, as ``encode_boxes`` returns them; 0 for all other anchors.

    Raises
    ------
    ValueError
        If the thresholds do not satisfy ``0 <= bg_iou_thresh <= fg_iou_thresh``, or a coordinate is not finite.

    References
    ----------
    Faster R-CNN, section 3.1.2.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import anchor_targets
    >>> anchors = np.array([[0.0, 0.0, 8.0, 8.0], [20.0, 0.0, 28.0, 8.0]])
    >>> matches, deltas = anchor_targets(anchors, np.array([[0.0, 1.0, 8.0, 9.0]]))
    >>> matches.tolist(), deltas.tolist()
    ([0, -1], [[0.0, 0.125, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    """
    matches = match(
        ops.box_iou(boxes, anchors), fg_iou_thresh=fg_iou_thresh, bg_iou_thresh=bg_iou_thresh
    )  # the IoU: (G, A)
    matched = np.flatnonzero(matches >= 0)
    deltas = np.zeros_like(anchors)
    deltas[matched] = ops.encode_boxes(boxes[matches[matched]], anchors[matched])
    return matches, deltas


def instance_targets(
    anchors: Array, instances: Instances, *, fg_iou_thresh: float = 0.7, bg_iou_thresh: float = 0.3
) -> tuple[Array, Array]:
    """Assign each anchor an object of an image and its regression target; crowds are neither objects nor background.

    This is :func:`anchor_targets` for the objects that are no crowd, with the matches of :func:`match_instances`.

    Parameters
    ----------
    anchors : ndarray of shape (A, 4)
        ``x1, y1, x2, y2`` in pixels.
    instances : Instances
        The ground truth. A crowd is never matched: background anchors that lie in it by half and more are ignored.
    fg_iou_thresh, bg_iou_thresh : float
        As in :func:`anchor_targets`.

    Returns
    -------
    matches : int64 ndarray of shape (A,)
        Indices into `instances`, crowds included; `BACKGROUND` or `IGNORED`.
    deltas : ndarray of shape (A, 4)
        As :func:`anchor_targets` returns them.
    """
    objects = instances.boxes[~instances.crowd]
    matches, deltas = anchor_targets(anchors, objects, fg_iou_thresh=fg_iou_thresh, bg_iou_thresh=bg_iou_thresh)
    return index_all_instances(matches, anchors, instances), deltas


def _check_rpn_loss(logits, deltas, positive, negative, targets, beta):
    logits, deltas, targets = floats(logits=logits, deltas=deltas, targets=targets)
    positive, negative = integers("positive", positive), integers("negative", negative)
    check_shape("logits", logits, "N, K", meaning="a number for each anchor of each image")
    check_same_shape("deltas", deltas, (*logits.shape, 4), "four numbers for each anchor")
    for name, each in (("positive", positive), ("negative", negative)):
        check_shape(name, each, "P", meaning="numbers of anchors")
        check_range(name, each, logits.size, "anchor k of image n has the number n * K + k")
    if len(np.unique(np.concatenate([positive, negative]))) < len(positive) + len(negative):
        raise ValueError("positive, negative: an anchor is there twice; sample each at most once")
    check_same_shape("targets", targets, (len(positive), 4), "four numbers for each positive anchor")
    beta = number("beta", beta)
    if beta < 0:
        raise ValueError(f"beta: expected a number of at least 0, got {beta}")
    return logits, deltas, positive, negative, targets, beta


@operation(check=_check_rpn_loss, returns=("loss", "object_loss", "box_loss", "dlogits", "ddeltas"))
def rpn_loss(
    logits: Array, deltas: Array, positive: Array, negative: Array, targets: Array, *, beta: float = 1 / 9
) -> tuple[np.floating, np.floating, np.floating, Array, Array]:
    """Compute the RPN loss: objectness cross-entropy plus smooth L1 on the box deltas of the sampled anchors.

    Anchors that are not sampled have no influence.

    Parameters
    ----------
    logits : ndarray of shape (N, K)
        Logit of the probability of an object, for each of the K anchors of N images.
    deltas : ndarray of shape (N, K, 4)
        Offsets from each anchor to its predicted box.
    positive, negative : int64 ndarray of shape (P,) and (Q,)
        Numbers of the sampled anchors: of those that match an object, and of those that are background. Anchor k of
        image n has the number ``n * K + k``. P or Q may be 0; without any sampled anchor losses and gradients are 0.
    targets : ndarray of shape (P, 4)
        Target deltas of the positive anchors.
    beta : float
        Where the loss of a box turns from a square into a line, as in ``smooth_l1_loss``. It is 1 in the paper, 1 / 9
        in its published code.

    Returns
    -------
    loss : float
        The sum of the two that follow; the gradients are its gradients.
    object_loss : float
        Binary cross-entropy of the logits, averaged over all sampled anchors.
    box_loss : float
        Smooth L1 loss of the deltas, summed over the positive anchors and divided by the number of *all* sampled
        anchors, so that an image with few objects has a small loss.
    dlogits : ndarray of shape (N, K)
    ddeltas : ndarray of shape (N, K, 4)

    Raises
    ------
    ValueError
        If the shapes do not fit, or an anchor does not exist or is sampled twice.

    References
    ----------
    Faster R-CNN, equation 1. There the box part is divided by the number of places of the map (about 2400) and weighted
    by 10, which is nearly the same as dividing by the 256 sampled anchors; here that number divides both.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import rpn_loss
    >>> logits, deltas = np.zeros((1, 3)), np.zeros((1, 3, 4))
    >>> loss, object_loss, box_loss, dlogits, _ = rpn_loss(logits, deltas, [0], [2], np.full((1, 4), 0.5), beta=0)
    >>> round(float(object_loss), 4), float(box_loss), dlogits.tolist()
    (0.6931, 1.0, [[-0.25, 0.0, 0.25]])
    """
    sampled = np.concatenate([positive, negative])
    is_object = np.arange(len(sampled)) < len(positive)
    object_loss, gradient = ops.binary_cross_entropy_with_logits(logits.reshape(-1)[sampled], is_object)
    dlogits = np.zeros_like(logits)
    dlogits.reshape(-1)[sampled] = gradient

    count = max(len(sampled), 1)
    predicted = deltas.reshape(-1, 4)[positive]
    box_loss, gradient = ops.smooth_l1_loss(predicted, targets, beta=beta, reduction="sum")
    box_loss = box_loss / count
    ddeltas = np.zeros_like(deltas)
    ddeltas.reshape(-1, 4)[positive] = gradient / count
    return object_loss + box_loss, object_loss, box_loss, dlogits, ddeltas
