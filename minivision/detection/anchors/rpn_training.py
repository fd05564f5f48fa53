"""What a region proposal network is trained on: which anchor should find which object, and what its errors cost.

References
----------
Ren, He, Girshick and Sun, "Faster R-CNN: towards real-time object detection with region proposal networks", NIPS 2015.
"""

import numpy as np

from minivision import ops
from minivision.core.arguments import check_range, check_same_shape, check_shape, floats, integers, number
from minivision.core.dispatch import operation
from minivision.detection.anchors.matching import check_thresholds, match
from minivision.ops.boxes import check_coordinates


def _check_anchor_targets(anchors, boxes, fg_iou_thresh, bg_iou_thresh):
    anchors, boxes = floats(anchors=anchors, boxes=boxes)
    for name, each in (("anchors", anchors), ("boxes", boxes)):
        check_shape(name, each, "K, 4", meaning="a box in each row")
        check_coordinates(name, each)
    return anchors, boxes, *check_thresholds(fg_iou_thresh, bg_iou_thresh)


@operation(check=_check_anchor_targets, returns=("matches", "deltas"))
def anchor_targets(anchors, boxes, *, fg_iou_thresh=0.7, bg_iou_thresh=0.3):
    """Say what each anchor of an image should find: which object, and by which way.

    Parameters
    ----------
    anchors : (A, 4) array
        ``x1, y1, x2, y2`` in pixels.
    boxes : (G, 4) array
        The true objects of the image.
    fg_iou_thresh, bg_iou_thresh : float
        The IoU from which an anchor has found an object, and below which it is background; see
        :func:`minivision.detection.match`. The best anchors of each object count as found in any case.

    Returns
    -------
    matches : (A,) int64 array
        The index of the object, `BACKGROUND` (-1) or `IGNORED` (-2).
    deltas : (A, 4) array
        The way from the anchor to the box of its object, as ``encode_boxes`` writes it; 0 for all other anchors.

    Raises
    ------
    ValueError
        When the thresholds do not satisfy ``0 <= bg_iou_thresh <= fg_iou_thresh``, or a coordinate is not finite.

    References
    ----------
    Faster R-CNN, section 3.1.2.
    """
    matches = match(
        ops.box_iou(boxes, anchors), fg_iou_thresh=fg_iou_thresh, bg_iou_thresh=bg_iou_thresh
    )  # the IoU: (G, A)
    found = np.flatnonzero(matches >= 0)
    deltas = np.zeros_like(anchors)
    deltas[found] = ops.encode_boxes(boxes[matches[found]], anchors[found])
    return matches, deltas


def _check_rpn_loss(logits, deltas, positive, negative, targets, beta):
    logits, deltas, targets = floats(logits=logits, deltas=deltas, targets=targets)
    positive, negative = integers("positive", positive), integers("negative", negative)
    check_shape("logits", logits, "N, K", meaning="a number for each anchor of each image")
    check_same_shape("deltas", deltas, (*logits.shape, 4), "four numbers for each anchor")
    for name, each in (("positive", positive), ("negative", negative)):
        check_shape(name, each, "P", meaning="the number of an anchor in each place")
        check_range(name, each, logits.size, "anchor k of image n has the number n * K + k")
    if len(np.unique(np.concatenate([positive, negative]))) < len(positive) + len(negative):
        raise ValueError("positive, negative: an anchor is there twice, and each is to be drawn once at most")
    check_same_shape("targets", targets, (len(positive), 4), "four numbers for each positive anchor")
    beta = number("beta", beta)
    if beta < 0:
        raise ValueError(f"beta: expected a number of at least 0, got {beta}")
    return logits, deltas, positive, negative, targets, beta


@operation(check=_check_rpn_loss, returns=("loss", "object_loss", "box_loss", "dlogits", "ddeltas"))
def rpn_loss(logits, deltas, positive, negative, targets, *, beta=1 / 9):
    """Measure what a region proposal network says about the anchors that were drawn; all others do not count.

    Parameters
    ----------
    logits : (N, K) array
        Of there being an object, for each of the K anchors of N images.
    deltas : (N, K, 4) array
        The way from each anchor to its box.
    positive, negative : (P,), (Q,) arrays of int
        The numbers of the anchors that were drawn: of those that have found an object, and of those that are
        background. Anchor k of image n has the number ``n * K + k``.
    targets : (P, 4) array
        What the deltas of the positive anchors should be.
    beta : float
        Where the loss of a box turns from a square into a line, as in ``smooth_l1_loss``. The paper has 1, its
        published code 1 / 9.

    Returns
    -------
    loss : scalar
        The sum of the two that follow: the gradients are its gradients.
    object_loss : scalar
        The binary cross-entropy of the logits, averaged over all anchors that were drawn.
    box_loss : scalar
        The smooth L1 loss of the deltas, summed over the positive anchors and divided by the number of *all* that
        were drawn, so that an image with few objects has a small loss.
    dlogits : (N, K) array
    ddeltas : (N, K, 4) array

    Raises
    ------
    ValueError
        When the shapes disagree, or an anchor does not exist or was drawn twice.

    References
    ----------
    Faster R-CNN, equation 1.
    """
    drawn = np.concatenate([positive, negative])
    is_object = np.arange(len(drawn)) < len(positive)
    object_loss, gradient = ops.binary_cross_entropy_with_logits(logits.reshape(-1)[drawn], is_object)
    dlogits = np.zeros_like(logits)
    dlogits.reshape(-1)[drawn] = gradient

    count = max(len(drawn), 1)
    said = deltas.reshape(-1, 4)[positive]
    box_loss, gradient = ops.smooth_l1_loss(said, targets, beta=beta, reduction="sum")
    box_loss = box_loss / count
    ddeltas = np.zeros_like(deltas)
    ddeltas.reshape(-1, 4)[positive] = gradient / count
    return object_loss + box_loss, object_loss, box_loss, dlogits, ddeltas
