"""IoU of two boxes for the matching of an evaluation, compiled: the formula of :func:`minivision.ops.box_iou`.

The file is not in the handout of a course whose students write that operation; then theirs compares the boxes.
"""

from __future__ import annotations

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
