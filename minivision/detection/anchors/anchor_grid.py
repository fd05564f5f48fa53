"""Anchors: boxes of a few sizes and aspect ratios at every location of a feature map.

::

    every `stride` pixels            the same A boxes around each location
    ┌─┬─┬─┬─┐                              ┌───┐
    ├─┼─┼─┼─┤   × sizes × ratios  =     ┌──┼───┼──┐
    ├─┼─┼─┼─┤                           └──┼───┼──┘
    └─┴─┴─┴─┘                              └───┘
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.arguments import float_dtype, number, numbers, pair
from minivision.core.dispatch import operation
from minivision.core.types import Array, IntOrPair, Size

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike


def _check_anchor_grid(map_size, stride, sizes, ratios, offset, dtype):
    map_size, stride = pair("map_size", map_size, minimum=0), pair("stride", stride)
    sizes, ratios = positive_numbers("sizes", sizes), positive_numbers("ratios", ratios)
    return map_size, stride, sizes, ratios, number("offset", offset), float_dtype("dtype", dtype)


@operation(check=_check_anchor_grid, returns=("anchors",))
def anchor_grid(
    map_size: Size,
    stride: IntOrPair,
    sizes: Sequence[float],
    ratios: Sequence[float],
    *,
    offset: float = 0.0,
    dtype: DTypeLike = np.float32,
) -> Array:
    """Return anchors of all sizes and ratios at every location of a feature map.

    Parameters
    ----------
    map_size : (int, int)
        Rows H and columns W of the feature map.
    stride : int or (int, int)
        Pixels of the image from one location of the map to the next, down and across.
    sizes : sequence of float
        In pixels: a box has the area ``size ** 2``, whatever its ratio.
    ratios : sequence of float
        Height divided by width.
    offset : float
        Position of the center of a box in its ``stride`` pixels: 0 is their upper left corner, as in torchvision, 0.5
        their center.
    dtype : dtype

    Returns
    -------
    anchors : ndarray of shape (H * W * A, 4)
        ``x1, y1, x2, y2``, with ``A = len(ratios) * len(sizes)``. Row by row of the map, then column by column; at
        each location all sizes of the first ratio, then of the next. Boxes may reach out of the image.

    Raises
    ------
    ValueError
        If there is no size or ratio, or one is not positive.

    Notes
    -----
    Order and values are those of torchvision's ``AnchorGenerator``, with one difference: that one rounds half the
    width and height of a box to whole pixels, an error of up to half a pixel, which matters for boxes of a few pixels.
    The published code of Faster R-CNN rounds too.

    References
    ----------
    Ren, He, Girshick and Sun, "Faster R-CNN", NIPS 2015, section 3.1.1.

    Examples
    --------
    >>> from minivision.detection import anchor_grid
    >>> anchor_grid((1, 2), 8, (4,), (1.0, 4.0)).tolist()
    [[-2.0, -2.0, 2.0, 2.0], [-1.0, -4.0, 1.0, 4.0], [6.0, -2.0, 10.0, 2.0], [7.0, -4.0, 9.0, 4.0]]
    """
    (rows, columns), (down, across) = map_size, stride  # type: ignore[misc]
    shape = np.sqrt(ratios)[:, None]
    widths, heights = (sizes / shape).ravel(), (sizes * shape).ravel()  # (ratios, sizes) -> (A,)
    base = np.stack([-widths, -heights, widths, heights], axis=1) / 2  # (A, 4), around the origin
    y, x = np.mgrid[:rows, :columns] + offset
    centers = np.stack([x * across, y * down, x * across, y * down], axis=-1)  # (H, W, 4)
    return (centers[:, :, None] + base).reshape(-1, 4).astype(dtype)  # (H, W, A, 4) -> (H * W * A, 4)


def positive_numbers(name: str, values: str | Sequence[float]) -> tuple[float, ...]:
    """Return `values` as a tuple of floats; also from text such as ``"16, 28, 48"``, as command lines give it."""
    if isinstance(values, str):
        values = values.split(",")  # type: ignore[assignment]
        values = [_float(value) for value in values]  # type: ignore[assignment]
    positive = numbers(name, values)
    if not positive or not all(0 < value < math.inf for value in positive):
        raise ValueError(f"{name}: expected positive numbers, one or more, got {positive}")
    return positive


def _float(text):
    """Return a text as a float; as it is if it is none, for the message."""
    try:
        return float(text)
    except ValueError:
        return text


def choose_anchor_sizes(boxes: ArrayLike, count: int = 3, *, labels: ArrayLike | None = None) -> tuple[float, ...]:
    """Choose anchor sizes for a training set: quantiles of the sizes of its objects.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` of all objects, in pixels.
    count : int
        Number of sizes.
    labels : int ndarray of shape (K,), optional
        Classes of the objects. With them all classes have the same weight, however few objects they have.

    Returns
    -------
    sizes : tuple of float
        Ascending, in pixels: the quantiles 1/2n, 3/2n, .. of the square roots of the boxes' areas. Each is at least a
        quarter larger than the one before, also if the objects all have one size.

    Raises
    ------
    ValueError
        If no box has an area.
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    labels = np.zeros(len(boxes), np.int64) if labels is None else np.asarray(labels)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    solid = (width > 0) & (height > 0)
    if not solid.any():
        raise ValueError(f"boxes: none of {len(boxes)} has an area, so there is nothing to choose anchor sizes by")
    sizes, labels = np.sqrt(width[solid] * height[solid]), labels[solid]
    order = np.argsort(sizes)
    weights = 1 / np.bincount(labels)[labels[order]]
    share = (np.cumsum(weights) - weights / 2) / weights.sum()  # of smaller objects, plus half of the object itself
    chosen = np.interp((np.arange(count) + 0.5) / count, share, sizes[order])
    for k in range(1, count):
        chosen[k] = max(chosen[k], 1.25 * chosen[k - 1])
    return tuple(float(f"{size:.3g}") for size in chosen)
