"""The overlap of boxes that belong together, one with one: :func:`minivision.ops.box_iou` takes each with each."""

import numpy as np


def paired_iou(a, b):
    """Return the intersection over union of each box of `a` with the box of `b` in the same place.

    Parameters
    ----------
    a, b : (..., 4) array
        ``x1, y1, x2, y2`` in any unit. All axes but the last broadcast.

    Returns
    -------
    (...) array
        From 0 to 1; 0 for a box without area.
    """
    a, b = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)  # (..., 4) -> (4, ...)
    width = np.maximum(np.minimum(a[2], b[2]) - np.maximum(a[0], b[0]), 0)
    height = np.maximum(np.minimum(a[3], b[3]) - np.maximum(a[1], b[1]), 0)
    intersection = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection
    return np.where(intersection > 0, intersection / np.where(union > 0, union, 1), 0).astype(intersection.dtype)


def shape_iou(a, b):
    """Return the intersection over union of each box of `a` with each of `b`, all laid upon one corner.

    Parameters
    ----------
    a : (K, 2) array
        Widths and heights.
    b : (L, 2) array
        Likewise.

    Returns
    -------
    (K, L) array
    """
    intersection = np.minimum(a[:, None], b).prod(axis=2)
    union = a.prod(axis=1)[:, None] + b.prod(axis=1) - intersection
    return intersection / np.where(union > 0, union, 1)
