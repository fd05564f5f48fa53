"""IoU of pairs of boxes, and of the shapes of boxes; :func:`minivision.ops.box_iou` compares each box with each."""

from __future__ import annotations

import numpy as np

from minivision.core.types import Array


def paired_iou(a: Array, b: Array) -> Array:
    """Return the intersection over union of each box of `a` with the box at the same index of `b`.

    Parameters
    ----------
    a, b : ndarray of shape (..., 4)
        ``x1, y1, x2, y2`` in any unit. All axes but the last broadcast.

    Returns
    -------
    iou : ndarray of shape (...)
        From 0 to 1; 0 for a box without area.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import paired_iou
    >>> boxes = np.array([[0.0, 0.0, 2.0, 1.0], [5.0, 5.0, 6.0, 6.0]])
    >>> paired_iou(boxes, np.array([1.0, 0.0, 3.0, 1.0])).round(4).tolist()
    [0.3333, 0.0]
    """
    a, b = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)  # (..., 4) -> (4, ...)
    width = np.maximum(np.minimum(a[2], b[2]) - np.maximum(a[0], b[0]), 0)
    height = np.maximum(np.minimum(a[3], b[3]) - np.maximum(a[1], b[1]), 0)
    intersection = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection
    return np.where(intersection > 0, intersection / np.where(union > 0, union, 1), 0).astype(intersection.dtype)


def shape_iou(a: Array, b: Array) -> Array:
    """Return the intersection over union of each shape of `a` with each of `b`, their upper left corners aligned.

    Parameters
    ----------
    a : ndarray of shape (K, 2)
        Widths and heights.
    b : ndarray of shape (L, 2)
        Widths and heights.

    Returns
    -------
    iou : ndarray of shape (K, L)
    """
    intersection = np.minimum(a[:, None], b).prod(axis=2)
    union = a.prod(axis=1)[:, None] + b.prod(axis=1) - intersection
    return intersection / np.where(union > 0, union, 1)
