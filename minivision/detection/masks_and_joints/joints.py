"""Joints as places on a small map laid over their object's box, and places as joints.

The map has ``size`` cells along each side of the box, and a joint lies *somewhere* in one of them. From a continuous
coordinate to the number of its cell and back (Heckbert 1990)::

    cell = floor((x - x1) / (x2 - x1) * size)          x = x1 + (cell + 0.5) / size * (x2 - x1)

A joint right on the border ``x2`` belongs to the last cell. Detectron trains its keypoints so, and reads them so.

References
----------
Heckbert, "What are the coordinates of a pixel?", Graphics Gems, 1990; He et al., "Mask R-CNN", ICCV 2017, section 5.
"""

import numpy as np

from minivision.core.labels import IGNORE_INDEX


def joint_places(keypoints, boxes, size):
    """Return the cell in which each joint lies.

    Parameters
    ----------
    keypoints : (K, J, 3) array
        ``x, y, visibility`` in pixels; visibility 0 is not labelled.
    boxes : (K, 4) array
        Where the maps are laid, ``x1, y1, x2, y2``.
    size : int
        Rows and columns of the maps.

    Returns
    -------
    (K, J) int64 array
        ``row * size + column``; `IGNORE_INDEX` (-100) where a joint is not labelled or lies outside of the box.
    """
    boxes = np.asarray(boxes, np.float64)[:, None]  # (K, 1, 4)
    corner, sides = boxes[..., :2], boxes[..., 2:] - boxes[..., :2]
    points, known = keypoints[..., :2], keypoints[..., 2] > 0
    known &= ((points >= corner) & (points <= boxes[..., 2:]) & (sides > 0)).all(axis=-1)  # False for NaN too
    relative = np.where(known[..., None], points - corner, 0) / np.where(sides > 0, sides, 1)
    columns, rows = np.moveaxis(np.minimum((relative * size).astype(np.int64), size - 1), -1, 0)
    return np.where(known, rows * size + columns, IGNORE_INDEX)


def joints_at(places, boxes, size):
    """Return the joints that lie in the middle of given cells: what `joint_places` lost is half a cell at most.

    Parameters
    ----------
    places : (K, J) int array
        ``row * size + column``.
    boxes : (K, 4) array
    size : int

    Returns
    -------
    (K, J, 2) array
        ``x, y`` in pixels.
    """
    boxes = np.asarray(boxes)[:, None]  # (K, 1, 4)
    cells = np.stack([places % size, places // size], axis=-1)  # column, row
    return boxes[..., :2] + (cells + 0.5) / size * (boxes[..., 2:] - boxes[..., :2])
