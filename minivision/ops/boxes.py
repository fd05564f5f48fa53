"""Boxes: area, IoU, formats, and their encoding as offsets for box regression.

A box is ``(x1, y1, x2, y2)`` in pixels, without any ``+ 1``: its width is ``x2 - x1``, and pixel ``i`` covers
``[i, i + 1)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minivision.core.arguments import check_shape, floats, number, numbers, size_pair
from minivision.core.constants import LARGEST_LOG_SCALE
from minivision.core.dispatch import operation
from minivision.core.types import Array, Size

FORMATS = ("xyxy", "xywh", "cxcywh")

# An area must not overflow float32, or an IoU would be infinity / infinity.
LARGEST_COORDINATE = 1e18


def boxes_array(name: str, boxes: Array) -> None:
    """Raise ValueError unless the last axis has the four numbers of a box; there may be any axes before it."""
    if boxes.ndim == 0 or boxes.shape[-1] != 4:
        raise ValueError(f"{name}: expected shape (..., 4), four numbers for each box, got {boxes.shape}")


def check_coordinates(name: str, boxes: Array) -> None:
    """Raise ValueError unless all numbers are finite and so small that no area overflows."""
    within = abs(boxes) <= LARGEST_COORDINATE  # NaN is not
    if within.all():
        return
    at = tuple(int(i) for i in np.argwhere(~within)[0])
    raise ValueError(
        f"{name}: expected finite coordinates, at most {LARGEST_COORDINATE:g}, got {boxes[at]} at {at}; "
        f"remove such boxes first, or find their origin"
    )


def _check_box_area(boxes):
    (boxes,) = floats(boxes=boxes)
    boxes_array("boxes", boxes)
    return (boxes,)


@operation(check=_check_box_area, returns=("area",))
def box_area(boxes: Array) -> Array:
    """Area of boxes: width times height.

    Parameters
    ----------
    boxes : ndarray of shape (..., 4)
        ``x1, y1, x2, y2`` in pixels.

    Returns
    -------
    area : ndarray of shape (...)
        In square pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.box_area(np.array([[1.0, 2.0, 4.0, 8.0]])).tolist()
    [18.0]
    """
    x1, y1, x2, y2 = np.moveaxis(boxes, -1, 0)
    return (x2 - x1) * (y2 - y1)


def _check_box_convert(boxes, in_fmt, out_fmt):
    (boxes,) = floats(boxes=boxes)
    boxes_array("boxes", boxes)
    for name, value in (("in_fmt", in_fmt), ("out_fmt", out_fmt)):
        if not isinstance(value, str) or value not in FORMATS:
            raise ValueError(f"{name}: expected one of {', '.join(map(repr, FORMATS))}, got {value!r}")
    return boxes, in_fmt, out_fmt


@operation(check=_check_box_convert, returns=("boxes",))
def box_convert(boxes: Array, in_fmt: str, out_fmt: str) -> Array:
    """Convert boxes to another format.

    Parameters
    ----------
    boxes : ndarray of shape (..., 4)
        Boxes in the format `in_fmt`.
    in_fmt, out_fmt : "xyxy", "xywh" or "cxcywh"
        Two corners; the upper left corner, width and height; the center, width and height.

    Returns
    -------
    boxes : ndarray of shape (..., 4)
        The same boxes in the format `out_fmt`.

    Raises
    ------
    ValueError
        If there is no such format.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.box_convert(np.array([1.0, 2.0, 4.0, 8.0]), "xyxy", "cxcywh").tolist()
    [2.5, 5.0, 3.0, 6.0]
    """
    if in_fmt == out_fmt:
        return boxes.copy()
    a, b, c, d = np.moveaxis(boxes, -1, 0)
    if in_fmt == "xyxy":
        x1, y1, x2, y2 = a, b, c, d
    elif in_fmt == "xywh":
        x1, y1, x2, y2 = a, b, a + c, b + d
    else:
        x1, y1, x2, y2 = a - c / 2, b - d / 2, a + c / 2, b + d / 2
    if out_fmt == "xyxy":
        parts = x1, y1, x2, y2
    elif out_fmt == "xywh":
        parts = x1, y1, x2 - x1, y2 - y1
    else:
        parts = (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
    return np.stack(parts, axis=-1).astype(boxes.dtype, copy=False)  # NumPy 1 computes a single box in float64


def _check_box_iou(a, b):
    a, b = floats(a=a, b=b)
    for name, boxes in (("a", a), ("b", b)):
        check_shape(name, boxes, "K, 4", meaning="a box in each row")
        check_coordinates(name, boxes)
    return a, b


@operation(check=_check_box_iou, returns=("iou",))
def box_iou(a: Array, b: Array) -> Array:
    """Intersection over union (IoU) of each box of one set with each box of another.

    Parameters
    ----------
    a : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels.
    b : ndarray of shape (L, 4)
        Likewise.

    Returns
    -------
    iou : ndarray of shape (K, L)
        From 0 (disjoint) to 1 (the same box). A box without area has IoU 0 with every box. K and L may be 0.

    Raises
    ------
    ValueError
        If a coordinate is NaN or infinite.

    References
    ----------
    Everingham et al., "The Pascal Visual Object Classes (VOC) Challenge", 2010, section 4.2.2.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> a = np.array([[0.0, 0.0, 2.0, 2.0]])
    >>> b = np.array([[0.0, 0.0, 2.0, 1.0], [2.0, 2.0, 3.0, 3.0]])
    >>> ops.box_iou(a, b).tolist()
    [[0.5, 0.0]]
    """
    iou = np.zeros((len(a), len(b)), a.dtype)
    for i, j in np.ndindex(iou.shape):
        width = max(min(a[i, 2], b[j, 2]) - max(a[i, 0], b[j, 0]), 0)
        height = max(min(a[i, 3], b[j, 3]) - max(a[i, 1], b[j, 1]), 0)
        intersection = width * height
        if intersection > 0:  # else they are disjoint, or without area: never 0 / 0
            area_a = (a[i, 2] - a[i, 0]) * (a[i, 3] - a[i, 1])
            area_b = (b[j, 2] - b[j, 0]) * (b[j, 3] - b[j, 1])
            iou[i, j] = intersection / (area_a + area_b - intersection)
    return iou


def _check_clip_boxes_to_image(boxes, size):
    (boxes,) = floats(boxes=boxes)
    boxes_array("boxes", boxes)
    return boxes, size_pair("size", size)


@operation(check=_check_clip_boxes_to_image, returns=("boxes",))
def clip_boxes_to_image(boxes: Array, size: Size) -> Array:
    """Clip boxes to the image.

    Parameters
    ----------
    boxes : ndarray of shape (..., 4)
        ``x1, y1, x2, y2`` in pixels.
    size : (int, int)
        Height and width of the image.

    Returns
    -------
    boxes : ndarray of shape (..., 4)
        x in 0 .. W, y in 0 .. H. A box completely outside becomes a box without area at the border.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.clip_boxes_to_image(np.array([[-5.0, 10.0, 50.0, 90.0]]), (60, 40)).tolist()
    [[0.0, 10.0, 40.0, 60.0]]
    """
    H, W = size
    x1, y1, x2, y2 = np.moveaxis(boxes, -1, 0)
    inside = [np.minimum(np.maximum(value, 0), limit) for value, limit in ((x1, W), (y1, H), (x2, W), (y2, H))]
    return np.stack(inside, axis=-1)


def _check_remove_small_boxes(boxes, min_size):
    (boxes,) = floats(boxes=boxes)
    check_shape("boxes", boxes, "K, 4", meaning="a box in each row")
    return boxes, number("min_size", min_size)


@operation(check=_check_remove_small_boxes, returns=("keep",))
def remove_small_boxes(boxes: Array, min_size: float) -> Array:
    """Indices of the boxes with at least a given width and height.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels.
    min_size : float
        Smallest width and height, in pixels.

    Returns
    -------
    keep : int64 ndarray of shape (K',)
        Indices of the boxes, ascending.

    Raises
    ------
    ValueError
        If `min_size` is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.remove_small_boxes(np.array([[0.0, 0, 9, 9], [0, 0, 9, 1], [0, 0, 3, 3]]), 3).tolist()
    [0, 2]
    """
    x1, y1, x2, y2 = np.moveaxis(boxes, -1, 0)
    return np.flatnonzero((x2 - x1 >= min_size) & (y2 - y1 >= min_size))


def _check_weights(weights):
    weights = numbers("weights", weights)
    if len(weights) != 4 or not all(0 < weight < math.inf for weight in weights):
        raise ValueError(f"weights: expected four positive numbers, for tx, ty, tw and th, got {weights!r}")
    return weights


def _stretched(**arrays):
    """Return two arrays of boxes, broadcast to their common shape."""
    (first, second), (a, b) = arrays, floats(**arrays)
    boxes_array(first, a)
    boxes_array(second, b)
    if a.shape == b.shape:
        return a, b
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        raise ValueError(
            f"{second}: shape {b.shape} does not match that of {first}, {a.shape}; give both the same, or "
            f"shapes that broadcast: for one box of each of C classes, deltas (K, C, 4) and anchors[:, None]"
        ) from None
    return floats(**{first: np.broadcast_to(a, shape), second: np.broadcast_to(b, shape)})


def _check_encode_boxes(targets, anchors, weights):
    targets, anchors = _stretched(targets=targets, anchors=anchors)
    for name, boxes in (("targets", targets), ("anchors", anchors)):
        proper = (boxes[..., 2] > boxes[..., 0]) & (boxes[..., 3] > boxes[..., 1])
        if not proper.all():
            at = tuple(int(i) for i in np.argwhere(~proper)[0])
            raise ValueError(
                f"{name}: expected boxes of positive width and height, got {boxes[at]} at {at}, which has "
                f"no logarithm; encode only anchors that were matched with a real box"
            )
    return targets, anchors, _check_weights(weights)


@operation(check=_check_encode_boxes, returns=("deltas",))
def encode_boxes(targets: Array, anchors: Array, *, weights: Sequence[float] = (1, 1, 1, 1)) -> Array:
    """Encode target boxes as offsets (tx, ty, tw, th) relative to their anchors.

    The offsets do not depend on the size of the anchor.

    Parameters
    ----------
    targets : ndarray of shape (..., 4)
        ``x1, y1, x2, y2`` of the target boxes.
    anchors : ndarray of shape (..., 4)
        ``x1, y1, x2, y2`` of the anchors or proposals. All axes but the last broadcast.
    weights : sequence of 4 floats
        Factors of tx, ty, tw and th, which give them about the same variance as other targets.

    Returns
    -------
    deltas : ndarray of shape (..., 4)
        ``tx, ty, tw, th``: the distance of the centers, in widths and heights of the anchor, and the logarithms of the
        ratios of widths and heights.

    Raises
    ------
    ValueError
        If a box has no area.

    References
    ----------
    Girshick et al., "Rich feature hierarchies for accurate object detection and semantic segmentation" (R-CNN), 2014,
    equations 6 to 9. The weights are those of Detectron.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> target, anchor = np.array([[5.0, 0.0, 25.0, 10.0]]), np.array([[0.0, 0.0, 10.0, 10.0]])
    >>> ops.encode_boxes(target, anchor).round(4).tolist()
    [[1.0, 0.0, 0.6931, 0.0]]
    """
    wx, wy, ww, wh = weights
    x1, y1, x2, y2 = np.moveaxis(targets, -1, 0)
    left, top, right, bottom = np.moveaxis(anchors, -1, 0)
    width, height = right - left, bottom - top
    tx = wx * ((x1 + (x2 - x1) / 2) - (left + width / 2)) / width
    ty = wy * ((y1 + (y2 - y1) / 2) - (top + height / 2)) / height
    tw = ww * np.log((x2 - x1) / width)
    th = wh * np.log((y2 - y1) / height)
    return np.stack([tx, ty, tw, th], axis=-1)


def _check_decode_boxes(deltas, anchors, weights):
    return *_stretched(deltas=deltas, anchors=anchors), _check_weights(weights)


@operation(check=_check_decode_boxes, returns=("boxes",))
def decode_boxes(deltas: Array, anchors: Array, *, weights: Sequence[float] = (1, 1, 1, 1)) -> Array:
    """Decode offsets (tx, ty, tw, th) relative to anchors into boxes: the inverse of :func:`encode_boxes`.

    Parameters
    ----------
    deltas : ndarray of shape (..., 4)
        ``tx, ty, tw, th``. For one box of each of C classes and K proposals: ``(K, C, 4)``, with ``anchors[:, None]``.
    anchors : ndarray of shape (..., 4)
        ``x1, y1, x2, y2`` of the anchors or proposals. All axes but the last broadcast.
    weights : sequence of 4 floats
        As given to :func:`encode_boxes`.

    Returns
    -------
    boxes : ndarray of shape (..., 4)
        ``x1, y1, x2, y2``. A box is at most 1000 / 16 times as wide and as high as its anchor, because an untrained
        network may predict huge offsets.

    Raises
    ------
    ValueError
        If the shapes do not match.

    References
    ----------
    Girshick et al., "Rich feature hierarchies for accurate object detection and semantic segmentation" (R-CNN), 2014,
    equations 1 to 4.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> deltas, anchor = np.array([[1.0, 0.0, np.log(2), 0.0]]), np.array([[0.0, 0.0, 10.0, 10.0]])
    >>> ops.decode_boxes(deltas, anchor).round(4).tolist()
    [[5.0, 0.0, 25.0, 10.0]]
    """
    wx, wy, ww, wh = weights
    tx, ty, tw, th = np.moveaxis(deltas, -1, 0)
    left, top, right, bottom = np.moveaxis(anchors, -1, 0)
    width, height = right - left, bottom - top
    x = tx / wx * width + (left + width / 2)
    y = ty / wy * height + (top + height / 2)
    w = np.exp(np.minimum(tw / ww, LARGEST_LOG_SCALE)) * width
    h = np.exp(np.minimum(th / wh, LARGEST_LOG_SCALE)) * height
    return np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=-1)
