"""Shapes of annotation tools as corners and run lengths: turned rectangles, ellipses, masks of a part of an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from minivision.core.types import Array, Size
from minivision.data import rle

__all__ = ["MAX_PIXELS", "ellipse", "mask_of_rows", "place", "rectangle", "turn", "union"]

MAX_PIXELS = 178_956_970  # of an image; Pillow opens none that is larger
ELLIPSE_CORNERS = 64


def rectangle(x1: float, y1: float, x2: float, y2: float) -> Array:
    """Return the corners of a rectangle, ``(4, 2)``: upper left, upper right, lower right, lower left."""
    return np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], float)


def turn(points: Array, center: ArrayLike, degrees: float) -> Array:
    """Turn points clockwise, as they are seen in an image, whose y axis points downwards.

    Parameters
    ----------
    points : ndarray of shape (N, 2)
        ``x, y``.
    center : (x, y)
    degrees : float

    Returns
    -------
    turned : ndarray of shape (N, 2)

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data.formats.regions import turn
    >>> turn(np.array([[3.0, 1.0]]), (1, 1), 90).round(6).tolist()
    [[1.0, 3.0]]
    """
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    middle = np.asarray(center, float)
    x, y = (np.asarray(points, float) - middle).T
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=1) + middle


def ellipse(center: ArrayLike, radii: ArrayLike, degrees: float = 0.0) -> Array:
    """Return 64 points of an ellipse that is turned clockwise about its center; four of them are its vertices."""
    angles = np.arange(ELLIPSE_CORNERS) * (2 * np.pi / ELLIPSE_CORNERS)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.asarray(radii, float) + np.asarray(center, float)
    return turn(points, center, degrees)


def mask_of_rows(counts: Any, size: Size) -> Array:
    """Return the mask of run lengths that go row by row, zeros first.

    Parameters
    ----------
    counts : sequence of int
    size : (height, width)

    Returns
    -------
    mask : bool ndarray of shape (H, W)

    Raises
    ------
    ValueError
        If the counts do not add up to ``H * W``.
    """
    height, width = size
    _check_pixels(height, width)
    return rle.decode({"size": [width, height], "counts": counts}).T  # rows are the columns of the transposed mask


def place(mask: Array, left: int, top: int, size: Size) -> dict[str, Any]:
    """Return the run lengths of a mask that covers a part of an image; see `minivision.data.rle`.

    Parameters
    ----------
    mask : bool ndarray of shape (h, w)
    left, top : int
        Where its first pixel is.
    size : (height, width)
        Of the image.

    Returns
    -------
    run_lengths : dict
        ``{"size": [H, W], "counts": text}``.

    Raises
    ------
    ValueError
        If the mask reaches out of the image.
    """
    height, width = size
    _check_pixels(height, width)
    rows, columns = mask.shape
    if left < 0 or top < 0 or top + rows > height or left + columns > width:
        raise ValueError(
            f"a mask of {rows}x{columns} pixels (height x width) at x {left}, y {top} reaches out of the image of "
            f"{height}x{width}"
        )
    strip = np.zeros((height, columns), bool)  # run lengths go column by column: only these columns have pixels
    strip[top : top + rows] = mask
    counts = rle.decompress(rle.encode(strip)["counts"])
    if len(counts) == 0:
        return {"size": [height, width], "counts": rle.compress([height * width])}
    counts[0] += left * height
    after = (width - left - columns) * height
    if len(counts) % 2:  # the last run is of zeros
        counts[-1] += after
    elif after:
        counts = np.append(counts, after)
    return {"size": [height, width], "counts": rle.compress(counts)}


def union(polygons: Sequence[Array], masks: Sequence[dict[str, Any]], size: Size) -> dict[str, Any]:
    """Return the run lengths of the union of polygons and of masks that are run lengths."""
    together = rle.polygons_to_mask([polygon.ravel().tolist() for polygon in polygons], size)
    for mask in masks:
        together |= rle.decode(mask)
    return rle.encode(together)


def _check_pixels(height, width):
    if not (0 < height <= rle.MAX_SIDE and 0 < width <= rle.MAX_SIDE and height * width <= MAX_PIXELS):
        raise ValueError(f"a size of {height}x{width} pixels (height x width) is none of an image that can be read")
