"""Masks as polygons: the outlines of their parts and holes, and one polygon that stands for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from minivision.core.compile import jit
from minivision.core.types import Array

__all__ = ["has_holes", "joined", "outlines", "signed_area", "simplified"]


def outlines(mask: Array) -> list[Array]:
    """Return the outlines of a mask: a closed polygon around each part, and one around each hole.

    The corners lie halfway between pixels of the object and others, so a polygon cuts the corners of pixels, and no
    center of a pixel changes sides: `minivision.data.rle.polygons_to_mask` of a part without holes, and of all
    outlines `joined`, is the same mask again. Pixels that touch at a corner only are two parts.

    Parameters
    ----------
    mask : bool ndarray of shape (H, W)

    Returns
    -------
    polygons : list of float64 ndarray of shape (n, 2)
        ``x, y`` in pixels; pixel i covers [i, i + 1). The last corner is not the first one again. The largest comes
        first. Around holes the sense of rotation is the opposite: `signed_area` is negative.
    """
    from skimage.measure import find_contours

    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return []
    top, left = rows[0], columns[0]
    part = np.pad(mask[top : rows[-1] + 1, left : columns[-1] + 1], 1).astype(np.float64)
    contours = find_contours(part, 0.5, fully_connected="low", positive_orientation="low")
    corner = np.array([left - 0.5, top - 0.5])  # of the padded part: contours go through centers of pixels, 0 here
    polygons = [_without_straight_corners(contour[:-1, ::-1] + corner) for contour in contours]
    return sorted(polygons, key=lambda polygon: -abs(signed_area(polygon)))


def has_holes(polygons: Sequence[Array]) -> bool:
    """Return whether one of some `outlines` is that of a hole."""
    return any(signed_area(polygon) < 0 for polygon in polygons)


def signed_area(polygon: Array) -> float:
    """Return the area of a polygon ``(n, 2)`` in pixels; negative for the outline of a hole."""
    x, y = polygon.T
    return float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)


def simplified(polygon: Array, tolerance: float) -> Array:
    """Return a polygon of fewer corners, from which no corner that was left out is farther than `tolerance` pixels."""
    from skimage.measure import approximate_polygon

    fewer = approximate_polygon(np.concatenate([polygon, polygon[:1]]), tolerance)[:-1]
    return fewer if len(fewer) >= 3 else polygon


def joined(polygons: Sequence[Array]) -> Array:
    """Return one polygon for several: bridges of no width lead to the second, the third and so on, and back.

    Each bridge is between the two corners that are closest. What is inside a hole stays outside of the whole, by the
    rule that counts how often a line from a point crosses the polygon (even-odd).

    Parameters
    ----------
    polygons : sequence of ndarray of shape (n, 2)
        One or more, from `outlines`.

    Returns
    -------
    polygon : float64 ndarray of shape (m, 2)
    """
    whole = np.ascontiguousarray(polygons[0])
    for polygon in polygons[1:]:
        i, j = _closest(whole, np.ascontiguousarray(polygon))
        other = np.roll(polygon, -j, axis=0)
        whole = np.concatenate([whole[: i + 1], other, other[:1], whole[i:]])
    return whole


@jit
def _closest(one, other):
    """Return the indices of the two corners of two polygons that are closest; of several the first."""
    best, corners = np.inf, (0, 0)
    for i in range(len(one)):
        for j in range(len(other)):
            distance = (one[i, 0] - other[j, 0]) ** 2 + (one[i, 1] - other[j, 1]) ** 2
            if distance < best:
                best, corners = distance, (i, j)
    return corners


def _without_straight_corners(polygon):
    """Return a polygon without the corners at which it goes straight on."""
    before, after = polygon - np.roll(polygon, 1, axis=0), np.roll(polygon, -1, axis=0) - polygon
    return polygon[before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]]
