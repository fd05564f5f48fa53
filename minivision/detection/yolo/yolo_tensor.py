"""YOLO's output: one tensor of S x S x (5 B + C) numbers with all objects of an image.

::

            ┌─┬─┬─┬─┐       the cell that contains the center of an object
            ├─┼─┼─┼─┤
            ├─┼─┼█┼─┤ ──>   x y w h confidence │ x y w h confidence │ p(disc) p(square) ...
            ├─┼─┼─┼─┤       ───── box 1 ──────   ───── box 2 ──────   ─── C classes ────
            └─┴─┴─┴─┘

x and y are the position of the center in its cell, from 0 to 1; w and h are fractions of the image's width and height.
The confidence is the probability of an object times the IoU of the box with it; p(class) is conditional on an object.

The paper's C counts the classes of objects: 7 x 7 x (5 * 2 + 20) = 7 x 7 x 30 for Pascal VOC. The lecture counts the
background as a class too. Here C is the paper's: in a cell without an object all confidences are 0.

References
----------
Redmon, Divvala, Girshick and Farhadi, "You only look once: unified, real-time object detection", CVPR 2016, section 2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.arguments import (
    MAX_STEPS,
    as_array,
    check_shape,
    float_dtype,
    floats,
    integer,
    integers,
    numbers,
    pair,
)
from minivision.core.dispatch import operation
from minivision.core.types import Array, IntOrPair

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


def _check_encode_yolo(boxes, labels, S, B, C, size, dtype):
    S, size = pair("S", S), _size(size)
    B, C = (integer(name, value, minimum=0, maximum=MAX_STEPS) for name, value in (("B", B), ("C", C)))
    if B < 1 or C < 1:
        raise ValueError(f"expected at least one box a cell and one class, got B = {B} and C = {C}")
    boxes = as_array("boxes", boxes)
    if boxes.dtype.kind not in "fiu":
        raise TypeError(f"boxes: expected numbers, got {boxes.dtype}")
    boxes = boxes.astype(np.float64)
    boxes = boxes if boxes.size else np.zeros((0, 4))
    check_shape("boxes", boxes, "K, 4", meaning="a box in each row")
    labels = integers("labels", labels)
    _check_objects(boxes, labels, C, size)
    return boxes, labels, S, B, C, size, float_dtype("dtype", dtype)


@operation(check=_check_encode_yolo, returns=("tensor",))
def encode_yolo(
    boxes: Array,
    labels: Array,
    S: IntOrPair,
    B: int,
    C: int,
    *,
    size: tuple[float, float] = (1, 1),
    dtype: DTypeLike = np.float32,
) -> Array:
    """Encode the objects of an image as a tensor, each in the cell that contains its center.

    A cell has B boxes, for the largest objects first; further objects are left out. It has one set of class
    probabilities: two objects of different classes have one half each.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
        ``x1, y1, x2, y2``, with centers inside of the image. There may be none.
    labels : int64 ndarray of shape (K,)
        From 1 to C; 0 is the background.
    S : int or (int, int)
        Rows and columns of cells.
    B : int
        Boxes in a cell.
    C : int
        Number of classes, without the background.
    size : (float, float)
        Height and width of the image, in the unit of the boxes; by default boxes are fractions of the image.
    dtype : dtype

    Returns
    -------
    tensor : ndarray of shape (S, S, 5 B + C)
        Zero in cells without objects; the confidence of an object's box is 1.

    Raises
    ------
    ValueError
        If a label is no class, a box has a negative size or one that is not finite, or a center lies outside the image.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import encode_yolo
    >>> tensor = encode_yolo(np.array([[0.5, 0.25, 1.0, 0.5]]), np.array([2]), 2, 1, 2)
    >>> tensor.shape
    (2, 2, 7)
    >>> tensor[0, 1].tolist()  # x, y, w, h, confidence, p(class 1), p(class 2)
    [0.5, 0.75, 0.5, 0.25, 1.0, 0.0, 1.0]
    """
    (rows, columns), (height, width) = S, size  # type: ignore[misc]
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2 / width * columns, (boxes[:, 1] + boxes[:, 3]) / 2 / height * rows
    w, h = (boxes[:, 2] - boxes[:, 0]) / width, (boxes[:, 3] - boxes[:, 1]) / height
    # A center on the right or lower border of the image is in the last cell.
    column, row = np.minimum(x.astype(int), columns - 1), np.minimum(y.astype(int), rows - 1)

    tensor = np.zeros((rows, columns, 5 * B + C), dtype)
    classes = tensor[..., 5 * B :]
    for k in np.argsort(-w * h, kind="stable"):
        cell = tensor[row[k], column[k]]
        free = np.flatnonzero(cell[4 : 5 * B : 5] == 0)
        if free.size:
            cell[5 * free[0] : 5 * free[0] + 5] = x[k] - column[k], y[k] - row[k], w[k], h[k], 1
            classes[row[k], column[k], labels[k] - 1] += 1
    objects = tensor[..., 4 : 5 * B : 5].sum(axis=-1, keepdims=True)
    classes /= np.maximum(objects, 1)
    return tensor


def _check_decode_yolo(tensor, B, size):
    (tensor,) = floats(tensor=tensor)
    B = integer("B", B, minimum=1)
    if tensor.ndim < 3 or tensor.shape[-1] <= 5 * B or 0 in tensor.shape[-3:]:
        raise ValueError(
            f"tensor: expected shape (..., S, S, 5 B + C) with B = {B} and at least one class, got {tensor.shape}"
        )
    return tensor, B, _size(size)


@operation(check=_check_decode_yolo, returns=("boxes", "scores"))
def decode_yolo(tensor: Array, B: int, *, size: tuple[float, float] = (1, 1)) -> tuple[Array, Array]:
    """Decode a tensor into the boxes of all cells and their scores for all classes.

    Parameters
    ----------
    tensor : ndarray of shape (..., S, S, 5 B + C)
        Of one image or several.
    B : int
        Boxes in a cell.
    size : (float, float)
        Height and width of the image; boxes are returned in this unit.

    Returns
    -------
    boxes : ndarray of shape (..., S * S * B, 4)
        ``x1, y1, x2, y2``; row by row of the cells, and in each cell its B boxes.
    scores : ndarray of shape (..., S * S * B, C)
        Confidence times class probability; column c is for label c + 1.

    Raises
    ------
    ValueError
        If the last axis is too short for B boxes and a class.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import decode_yolo
    >>> boxes, scores = decode_yolo(np.array([0.5, 0.5, 0.5, 0.25, 0.5, 0.0, 1.0]).reshape(1, 1, 7), 1, size=(8, 16))
    >>> boxes.tolist(), scores.tolist()
    ([[4.0, 3.0, 12.0, 5.0]], [[0.0, 0.5]])
    """
    *batch, rows, columns, depth = tensor.shape
    height, width = size
    x, y, w, h, confidence = np.moveaxis(tensor[..., : 5 * B].reshape(*batch, rows, columns, B, 5), -1, 0)
    x = (x + np.arange(columns)[:, None]) * (width / columns)
    y = (y + np.arange(rows)[:, None, None]) * (height / rows)
    w, h = w * (width / 2), h * (height / 2)
    boxes = np.stack([x - w, y - h, x + w, y + h], axis=-1).astype(tensor.dtype, copy=False)
    scores = confidence[..., None] * tensor[..., None, 5 * B :]  # (..., S, S, B, C)
    return boxes.reshape(*batch, rows * columns * B, 4), scores.reshape(*batch, rows * columns * B, depth - 5 * B)


def _size(size):
    """Return height and width, in any unit, as numbers above 0."""
    sides = numbers("size", size)
    if len(sides) != 2 or not all(0 < side < math.inf for side in sides):
        raise ValueError(f"size: expected height and width of an image, got {size}")
    height, width = sides
    return tuple(int(side) if side == int(side) else float(side) for side in (height, width))


def _check_objects(boxes, labels, C, size):
    if labels.shape != boxes.shape[:1]:
        raise ValueError(f"labels: expected one for each of {len(boxes)} boxes, got {labels.size}")
    for label in labels[(labels < 1) | (labels > C)]:
        raise ValueError(
            f"labels: expected classes from 1 to C = {C}, got {label}; "
            f"C does not count the background, whose label 0 no object has"
        )
    centers, (height, width) = (boxes[:, :2] + boxes[:, 2:]) / 2, size
    inside = ((centers >= 0) & (centers <= (width, height)) & (boxes[:, 2:] >= boxes[:, :2])).all(axis=1)
    for box in boxes[~inside]:
        raise ValueError(
            f"boxes: expected x1 <= x2, y1 <= y2 and a center inside the image of {height} x {width}, got {box}; "
            f"give the image's size, and clip boxes to it first"
        )
