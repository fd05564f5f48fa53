"""IoU of two boxes for the matching of an evaluation, compiled: the formula of :func:`minivision.ops.box_iou`.

The file is not in the handout of a course whose students write that operation; then theirs compares the boxes.
"""

from __future__ import annotations

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array


@jit
def box_similarity(a: Array, i: int, b: Array, j: int, is_crowd: bool) -> float:
    """Return the IoU of boxes ``a[i]`` and ``b[j]``; if that is a crowd, the fraction of the other inside of it."""
    width = min(a[i, 2], b[j, 2]) - max(a[i, 0], b[j, 0])
    height = min(a[i, 3], b[j, 3]) - max(a[i, 1], b[j, 1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    area = (a[i, 2] - a[i, 0]) * (a[i, 3] - a[i, 1])
    if is_crowd:
        return shared / area
    return shared / (area + (b[j, 2] - b[j, 0]) * (b[j, 3] - b[j, 1]) - shared)


@jit
def compare_all(boxes: Array, objects: Array, crowd: Array) -> Array:
    """Return the similarities ``(D, T)`` of D boxes with the boxes of T objects.

    Parameters
    ----------
    boxes, objects : float64 ndarray of shape (D, 4), (T, 4)
    crowd : bool ndarray of shape (T,)
    """
    similarity = np.empty((len(boxes), len(objects)))
    for d in range(len(boxes)):
        for t in range(len(objects)):
            similarity[d, t] = box_similarity(boxes, d, objects, t, crowd[t])
    return similarity
