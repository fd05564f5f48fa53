"""How well the aspect ratios of anchors fit the shapes of objects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minivision.core.types import Array
from minivision.detection.anchors.anchor_grid import anchor_grid
from minivision.detection.anchors.paired_iou import shape_iou

__all__ = ["best_ratio_iou"]


def best_ratio_iou(sizes: Array, ratios: Sequence[float]) -> Array:
    """Return the IoU of each shape with the anchor of the most similar aspect ratio, both of the same area.

    Parameters
    ----------
    sizes : ndarray of shape (K, 2)
        Widths and heights of boxes.
    ratios : sequence of float
        Height by width of the anchors.

    Returns
    -------
    iou : ndarray of shape (K,)
        1 for a box of one of the ratios; 0 for a box without area.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection.anchors.anchor_shapes import best_ratio_iou
    >>> best_ratio_iou(np.array([[10.0, 20.0], [90.0, 10.0]]), (0.5, 1.0, 2.0)).round(4).tolist()
    [1.0, 0.3084]
    """
    sizes = np.asarray(sizes, float).reshape(-1, 2)
    anchors = anchor_grid((1, 1), 1, (1.0,), ratios, dtype=np.float64)
    anchors = anchors[:, 2:] - anchors[:, :2]  # (R, 2), of area 1
    sides = np.sqrt(sizes.prod(axis=1, keepdims=True))
    return shape_iou(sizes / np.where(sides > 0, sides, 1), anchors).max(axis=1)
