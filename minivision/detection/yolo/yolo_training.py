"""What YOLO is trained on: which of a cell's boxes is responsible for an object, and what an error of it costs.

References
----------
Redmon, Divvala, Girshick and Farhadi, "You only look once: unified, real-time object detection", CVPR 2016, section
2.2.
"""

import numpy as np

from minivision import ops
from minivision.core.arguments import check_same_shape, check_shape, floats, integer, number
from minivision.core.dispatch import operation
from minivision.detection.anchors.paired_iou import paired_iou


def _check_tensors(B, **tensors):
    """Return tensors as arrays of one dtype and shape, with B boxes and a class at least; and B."""
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
def yolo_targets(outputs, truth, B, *, coordinates=5.0, no_object=0.5):
    """Say what the network should have said, and how much an error of each number counts.

    Each object in a cell, the largest first, takes the box of the cell that overlaps it most and is still free: that
    box is responsible for it. Of boxes that overlap it equally the first is taken.

    Parameters
    ----------
    outputs : (N, S, S, 5 B + C) array
        What the network said; for w and h their square roots.
    truth : (N, S, S, 5 B + C) array
        What is there, as ``encode_yolo`` writes it: w and h themselves; of a cell's boxes the first ones are taken.
    B : int
        Boxes in a cell.
    coordinates, no_object : float
        How much errors count: of the four numbers of a responsible box, and of the confidence of any other box. Those
        of a responsible box's confidence and of the class probabilities of a cell with an object count 1; all else 0.

    Returns
    -------
    target : (N, S, S, 5 B + C) array
        Of a responsible box x, y, the roots of w and h, and as its confidence the IoU of what was said with the
        object; the class probabilities of cells with an object; 0 everywhere else.
    weight : (N, S, S, 5 B + C) array

    Raises
    ------
    ValueError
        When the shapes disagree, or there is no room for B boxes and a class.
    """
    rows, columns = outputs.shape[1:3]
    cells = np.nonzero(truth[..., 4])  # those with an object: K of them
    said, true = (tensor[cells][:, : 5 * B].reshape(-1, B, 5) for tensor in (outputs, truth))  # (K, B, 5)
    said_boxes, true_boxes = said[..., :4].copy(), true[..., :4].copy()
    said_boxes[..., 2:] **= 2
    for boxes in (said_boxes, true_boxes):  # parts of the image, from the corner of the cell
        boxes[..., :2] /= (columns, rows)
    said_boxes, true_boxes = (ops.box_convert(boxes, "cxcywh", "xyxy") for boxes in (said_boxes, true_boxes))
    iou = paired_iou(said_boxes[:, None], true_boxes[:, :, None])  # (K, B true, B said)

    wanted, counts = np.zeros_like(true), np.zeros_like(true)
    counts[..., 4] = no_object
    for t in range(B):
        (k,) = np.nonzero(true[:, t, 4])
        best = iou[k, t].argmax(axis=1)
        wanted[k, best, :2] = true[k, t, :2]
        wanted[k, best, 2:4] = np.sqrt(true[k, t, 2:4])
        wanted[k, best, 4] = iou[k, t, best]
        counts[k, best] = (*4 * [coordinates], 1)
        iou[k, :, best] = -1  # taken

    target, weight = np.zeros_like(outputs), np.zeros_like(outputs)
    weight[..., 4 : 5 * B : 5] = no_object
    target[cells] = np.concatenate([wanted.reshape(-1, 5 * B), truth[cells][:, 5 * B :]], axis=1)
    weight[cells] = 1  # the classes; the boxes follow
    weight[..., : 5 * B][cells] = counts.reshape(-1, 5 * B)
    return target, weight


def _check_yolo_loss(outputs, target, weight, B):
    return _check_tensors(B, outputs=outputs, target=target, weight=weight)


@operation(
    check=_check_yolo_loss,
    returns=("loss", "box_loss", "object_loss", "no_object_loss", "class_loss", "doutputs"),
)
def yolo_loss(outputs, target, weight, B):
    """Sum the squared errors of all numbers, each times its weight, and average over the images.

    Parameters
    ----------
    outputs : (N, S, S, 5 B + C) array
        What the network said.
    target : (N, S, S, 5 B + C) array
        What it should have said, as :func:`yolo_targets` returns it. It is taken as given: no gradient goes through it.
    weight : (N, S, S, 5 B + C) array
        How much an error of each number counts. A box is responsible for an object if its x has a weight above 0.
    B : int
        Boxes in a cell.

    Returns
    -------
    loss : scalar
        The sum of the four that follow: the gradient is its gradient.
    box_loss : scalar
        Of x, y and the roots of w and h.
    object_loss : scalar
        Of the confidences of responsible boxes.
    no_object_loss : scalar
        Of the confidences of all others.
    class_loss : scalar
        Of the class probabilities.
    doutputs : (N, S, S, 5 B + C) array

    Raises
    ------
    ValueError
        When the shapes disagree, or there is no room for B boxes and a class.

    References
    ----------
    Redmon et al., "You only look once", CVPR 2016, equation 3.
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
