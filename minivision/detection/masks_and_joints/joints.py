"""Joints as cells of a small map over their object's box, and back.

The map has ``size`` cells along each side of the box. A continuous coordinate becomes the number of its cell, and a
cell its center (Heckbert 1990)::

    cell = floor((x - x1) / (x2 - x1) * size)          x = x1 + (cell + 0.5) / size * (x2 - x1)

A joint exactly on the border ``x2`` belongs to the last cell. Detectron encodes and decodes keypoints in the same way.

References
----------
Heckbert, "What are the coordinates of a pixel?", Graphics Gems, 1990; He et al., "Mask R-CNN", ICCV 2017, section 5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision.core.labels import IGNORE_INDEX
from minivision.core.types import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def joints_to_cells(keypoints: Array, boxes: ArrayLike, size: int) -> Array:
    """Return the cell that contains each joint.

    Parameters
    ----------
    keypoints : ndarray of shape (K, J, 3)
        ``x, y, visibility`` in pixels; visibility 0 is not labeled.
    boxes : ndarray of shape (K, 4)
        The box of each map, ``x1, y1, x2, y2``.
    size : int
        Rows and columns of the maps.

    Returns
    -------
    cells : int64 ndarray of shape (K, J)
        ``row * size + column``; `IGNORE_INDEX` (-100) if a joint is not labeled or lies outside of the box.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import joints_to_cells
    >>> joints_to_cells(np.array([[[12.0, 21.0, 2.0], [5.0, 5.0, 0.0]]]), [[10, 20, 14, 28]], 4).tolist()
    [[2, -100]]
    """
    boxes = np.asarray(boxes, np.float64)[:, None]  # (K, 1, 4)
    corner, sides = boxes[..., :2], boxes[..., 2:] - boxes[..., :2]
    points, known = keypoints[..., :2], keypoints[..., 2] > 0
    known &= ((points >= corner) & (points <= boxes[..., 2:]) & (sides > 0)).all(axis=-1)  # False for NaN too
    relative = np.where(known[..., None], points - corner, 0) / np.where(sides > 0, sides, 1)
    columns, rows = np.moveaxis(np.minimum((relative * size).astype(np.int64), size - 1), -1, 0)
    return np.where(known, rows * size + columns, IGNORE_INDEX)


def cells_to_joints(cells: ArrayLike, boxes: ArrayLike, size: int) -> Array:
    """Return joints at the centers of cells; each is at most half a cell from the joint that was encoded.

    Parameters
    ----------
    cells : int ndarray of shape (K, J)
        ``row * size + column``.
    boxes : ndarray of shape (K, 4)
        The box of each map, ``x1, y1, x2, y2``.
    size : int
        Rows and columns of the maps.

    Returns
    -------
    joints : ndarray of shape (K, J, 2)
        ``x, y`` in pixels.

    Examples
    --------
    >>> from minivision.detection import cells_to_joints
    >>> cells_to_joints([[2]], [[10, 20, 14, 28]], 4).tolist()
    [[[12.5, 21.0]]]
    """
    cells = np.asarray(cells)
    boxes = np.asarray(boxes)[:, None]  # (K, 1, 4)
    points = np.stack([cells % size, cells // size], axis=-1)  # column, row
    return boxes[..., :2] + (points + 0.5) / size * (boxes[..., 2:] - boxes[..., :2])
