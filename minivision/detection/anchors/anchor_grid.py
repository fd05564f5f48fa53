"""Anchors: boxes of a few sizes and shapes at every place of a feature map, from which a detector begins.

::

    every `stride` pixels            the same A boxes around each place
    ┌─┬─┬─┬─┐                              ┌───┐
    ├─┼─┼─┼─┤   × sizes × ratios  =     ┌──┼───┼──┐
    ├─┼─┼─┼─┤                           └──┼───┼──┘
    └─┴─┴─┴─┘                              └───┘
"""

import math

import numpy as np

from minivision.core.arguments import number, pair
from minivision.core.dispatch import operation


def _check_anchor_grid(map_size, stride, sizes, ratios, offset, dtype):
    map_size, stride = pair("map_size", map_size, minimum=0), pair("stride", stride)
    sizes, ratios = positive_numbers("sizes", sizes), positive_numbers("ratios", ratios)
    return map_size, stride, sizes, ratios, number("offset", offset), np.dtype(dtype)


@operation(check=_check_anchor_grid, returns=("anchors",))
def anchor_grid(map_size, stride, sizes, ratios, *, offset=0.0, dtype=np.float32):
    """Lay boxes of all sizes and ratios around every place of a feature map.

    Parameters
    ----------
    map_size : (int, int)
        Rows H and columns W of the feature map.
    stride : int or (int, int)
        Pixels of the image from one place of the map to the next, down and across.
    sizes : sequence of float
        In pixels: a box has the area ``size ** 2``, whatever its ratio.
    ratios : sequence of float
        Height divided by width.
    offset : float
        Where in its ``stride`` pixels a box is centred: 0 at their upper left corner, as in torchvision, or 0.5 in
        the middle of the pixels that the place of the map stands for.
    dtype : dtype

    Returns
    -------
    anchors : (H * W * A, 4) array
        ``x1, y1, x2, y2``, with ``A = len(ratios) * len(sizes)``. Row by row of the map, then column by column; at
        each place all sizes of the first ratio, then of the next. Boxes may reach out of the image.

    Raises
    ------
    ValueError
        When there is no size or ratio, or one that is not positive.

    Notes
    -----
    Order and values are those of torchvision's ``AnchorGenerator``, with one difference: that one rounds half the
    width and height of a box to whole pixels, by up to half a pixel, which tells for boxes of a few pixels. The
    published code of Faster R-CNN rounds too.

    References
    ----------
    Ren, He, Girshick and Sun, "Faster R-CNN", NIPS 2015, section 3.1.1.
    """
    (rows, columns), (down, across) = map_size, stride
    shape = np.sqrt(ratios)[:, None]
    widths, heights = (sizes / shape).ravel(), (sizes * shape).ravel()  # (ratios, sizes) -> (A,)
    base = np.stack([-widths, -heights, widths, heights], axis=1) / 2  # (A, 4), around the origin
    y, x = np.mgrid[:rows, :columns] + offset
    centres = np.stack([x * across, y * down, x * across, y * down], axis=-1)  # (H, W, 4)
    return (centres[:, :, None] + base).reshape(-1, 4).astype(dtype)  # (H, W, A, 4) -> (H * W * A, 4)


def positive_numbers(name, values):
    """Return `values` as a tuple of floats; also from text such as ``"16, 28, 48"``, as command lines give it."""
    if isinstance(values, str):
        values = values.split(",")
    values = tuple(number(name, value) for value in values)
    if not values or not all(0 < value < math.inf for value in values):
        raise ValueError(f"{name}: expected positive numbers, one or more, got {values}")
    return values


def choose_anchor_sizes(boxes, count=3, *, labels=None):
    """Choose anchor sizes for a training set: each stands for an equal share of the objects.

    Parameters
    ----------
    boxes : (K, 4) array
        ``x1, y1, x2, y2`` of all objects, in pixels.
    count : int
        How many sizes.
    labels : (K,) int array, optional
        With them every class counts the same, however few objects it has.

    Returns
    -------
    tuple of float
        Ascending, in pixels: the quantiles 1/2n, 3/2n, .. of the square roots of the boxes' areas. Where several
        would be alike, as with objects of one size, the next is a quarter larger.

    Raises
    ------
    ValueError
        When no box has an area.
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
    share = (np.cumsum(weights) - weights / 2) / weights.sum()  # of what is smaller, and half of the object itself
    chosen = np.interp((np.arange(count) + 0.5) / count, share, sizes[order])
    for k in range(1, count):
        chosen[k] = max(chosen[k], 1.25 * chosen[k - 1])
    return tuple(float(f"{size:.3g}") for size in chosen)
