"""Training of YOLO: which of a cell's boxes is responsible for an object, and the loss.

References
----------
Redmon, Divvala, Girshick and Farhadi, "You only look once: unified, real-time object detection", CVPR 2016, section
2.2.
"""

from __future__ import annotations

import numpy as np

from minivision import ops
from minivision.core.arguments import check_same_shape, check_shape, floats, integer, number
from minivision.core.dispatch import operation
from minivision.core.types import Array
from minivision.detection.anchors.paired_iou import paired_iou


def _check_tensors(B, **tensors):
    """Return tensors as arrays of one dtype and shape, with B boxes and at least one class; and B."""
    arrays, B = floats(**tensors), integer("B", B, minimum=1)
    first = next(iter(tensors))
    check_shape(first, arrays[0], "N, S, S, 5 B + C", meaning="a tensor for each image")
    if arrays[0].shape[-1] <= 5 * B:
        raise ValueError(f"{first}: expected 5 B + C numbers in a cell, B = {B}, got {arrays[0].shape[-1]}")
    for name, array in zip(tensors, arrays, strict=True):
        check_same_shape(name, array, arrays[0].shape, f"that of {first}")
    return *arrays, B


def _check_yolo_targets(outputs, truth, B, coordinates, no_object):
    outputs, truth, B = _check_tensors(B, outputs=outputs, truth=truth)
    return outputs, truth, B, number("coordinates", coordinates), number("no_object", no_object)


@operation(check=_check_yolo_targets, returns=("target", "weight"))
def yolo_targets(
    outputs: Array, truth: Array, B: int, *, coordinates: float = 5.0, no_object: float = 0.5
) -> tuple[Array, Array]:
    """Return the target of each output of the network, and the weight of its error.

    For each object in a cell, the largest first, the free box of the cell with the largest IoU is responsible. If the
    IoUs are equal, it is the first box.

    Parameters
    ----------
    outputs : ndarray of shape (N, S, S, 5 B + C)
        Predictions of the network, with the square roots of w and h.
    truth : ndarray of shape (N, S, S, 5 B + C)
        Ground truth, as ``encode_yolo`` returns it: with w and h themselves; the objects of a cell are in its first
        boxes.
    B : int
        Boxes in a cell.
    coordinates, no_object : float
        Weights of the errors of the four coordinates of a responsible box, and of the confidence of any other box. The
        weight of a responsible box's confidence and of the class probabilities of a cell with an object is 1, all
        other weights are 0.

    Returns
    -------
    target : ndarray of shape (N, S, S, 5 B + C)
        For a responsible box x, y, the square roots of w and h, and as its confidence the IoU of the predicted box with
        the object; the class probabilities of cells with an object; 0 everywhere else.
    weight : ndarray of shape (N, S, S, 5 B + C)

    Raises
    ------
    ValueError
        If the shapes do not fit, or the last axis is too short for B boxes and a class.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import encode_yolo, yolo_targets
    >>> truth = encode_yolo([[0.25, 0.25, 0.75, 0.75]], [1], 1, 2, 1, dtype="float64")[None]
    >>> outputs = np.zeros((1, 1, 1, 11))
    >>> outputs[..., 5:9] = 0.5, 0.5, 0.5, 1.0  # the second box: w = 0.25, h = 1
    >>> target, weight = yolo_targets(outputs, truth, 2)
    >>> target.ravel().round(4).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.7071, 0.7071, 0.3333, 1.0]
    >>> weight.ravel().tolist()
    [0.0, 0.0, 0.0, 0.0, 0.5, 5.0, 5.0, 5.0, 5.0, 1.0, 1.0]
    """
    rows, columns = outputs.shape[1:3]
    cells = np.nonzero(truth[..., 4])  # those with an object: K of them
    predicted, true = (tensor[cells][:, : 5 * B].reshape(-1, B, 5) for tensor in (outputs, truth))  # (K, B, 5)
    predicted_boxes, true_boxes = predicted[..., :4].copy(), true[..., :4].copy()
    predicted_boxes[..., 2:] **= 2
    for boxes in (predicted_boxes, true_boxes):  # fractions of the image, from the corner of the cell
        boxes[..., :2] /= (columns, rows)
    predicted_boxes, true_boxes = (ops.box_convert(boxes, "cxcywh", "xyxy") for boxes in (predicted_boxes, true_boxes))
    iou = paired_iou(predicted_boxes[:, None], true_boxes[:, :, None])  # (K, B true, B predicted)

    box_targets, box_weights = np.zeros_like(true), np.zeros_like(true)
    box_weights[..., 4] = no_object
    for t in range(B):
        (k,) = np.nonzero(true[:, t, 4])
        best = iou[k, t].argmax(axis=1)
        box_targets[k, best, :2] = true[k, t, :2]
        box_targets[k, best, 2:4] = np.sqrt(true[k, t, 2:4])
        box_targets[k, best, 4] = iou[k, t, best]
        box_weights[k, best] = (*4 * [coordinates], 1)
        iou[k, :, best] = -1  # no longer free

    target, weight = np.zeros_like(outputs), np.zeros_like(outputs)
    weight[..., 4 : 5 * B : 5] = no_object
    target[cells] = np.concatenate([box_targets.reshape(-1, 5 * B), truth[cells][:, 5 * B :]], axis=1)
    weight[cells] = 1  # the classes; the boxes follow
    weight[..., : 5 * B][cells] = box_weights.reshape(-1, 5 * B)
    return target, weight


def _check_yolo_loss(outputs, target, weight, B):
    return _check_tensors(B, outputs=outputs, target=target, weight=weight)


@operation(
    check=_check_yolo_loss,
    returns=("loss", "box_loss", "object_loss", "no_object_loss", "class_loss", "doutputs"),
)
def yolo_loss(
    outputs: Array, target: Array, weight: Array, B: int
) -> tuple[np.floating, np.floating, np.floating, np.floating, np.floating, Array]:
    """Compute the YOLO loss: the weighted sum of squared errors, averaged over the images.

    Parameters
    ----------
    outputs : ndarray of shape (N, S, S, 5 B + C)
        Predictions of the network.
    target : ndarray of shape (N, S, S, 5 B + C)
        As :func:`yolo_targets` returns it. It is a constant: no gradient flows through it.
    weight : ndarray of shape (N, S, S, 5 B + C)
        Weight of each squared error. A box is responsible for an object if the weight of its x is above 0.
    B : int
        Boxes in a cell.

    Returns
    -------
    loss : float
        The sum of the four that follow; `doutputs` is its gradient.
    box_loss : float
        The part of x, y and the square roots of w and h.
    object_loss : float
        The part of the confidences of responsible boxes.
    no_object_loss : float
        The part of the confidences of all other boxes.
    class_loss : float
        The part of the class probabilities.
    doutputs : ndarray of shape (N, S, S, 5 B + C)

    Raises
    ------
    ValueError
        If the shapes do not fit, or the last axis is too short for B boxes and a class.

    References
    ----------
    Redmon et al., "You only look once", CVPR 2016, equation 3.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import yolo_loss
    >>> outputs, target = np.full((1, 1, 1, 6), 0.5), np.array([0.5, 0.5, 1.5, 0.5, 1.0, 1.0]).reshape(1, 1, 1, 6)
    >>> weight = np.array([5.0, 5.0, 5.0, 5.0, 1.0, 1.0]).reshape(1, 1, 1, 6)
    >>> *losses, doutputs = yolo_loss(outputs, target, weight, 1)
    >>> [float(loss) for loss in losses]
    [5.5, 5.0, 0.25, 0.0, 0.25]
    >>> doutputs.ravel().tolist()
    [0.0, 0.0, -10.0, 0.0, -1.0, -1.0]
    """
    error = outputs - target
    doutputs = weight * error * (2 / max(len(outputs), 1))
    squares = doutputs * error / 2
    of_boxes = squares[..., : 5 * B].reshape(*squares.shape[:3], B, 5)
    confidence = of_boxes[..., 4]
    responsible = weight[..., 0 : 5 * B : 5] > 0  # (N, S, S, B)
    box_loss = of_boxes[..., :4].sum()
    object_loss = np.where(responsible, confidence, 0).sum()
    no_object_loss = np.where(responsible, 0, confidence).sum()
    class_loss = squares[..., 5 * B :].sum()
    loss = box_loss + object_loss + no_object_loss + class_loss
    return loss, box_loss, object_loss, no_object_loss, class_loss, doutputs
