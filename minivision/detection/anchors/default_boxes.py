"""SSD's default boxes: anchors on several feature maps, small ones on fine maps, large ones on coarse maps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minivision.core.arguments import pair
from minivision.core.types import Array, IntOrPair


class DefaultBoxLayout(NamedTuple):
    """Layout of the default boxes of a network: one entry for each feature map.

    Attributes
    ----------
    map_sizes : tuple of (int, int) or int
        Rows and columns of each map.
    steps : tuple of int
        Pixels of the image from one location of each map to the next.
    sizes : tuple of float
        Side of the square boxes of each map, in pixels, and one more: that of a further map after the last.
    ratios : tuple of tuple of float
        For each map, the aspect ratios of its longer boxes: there is a wide and a tall one of each.
    """

    map_sizes: tuple[IntOrPair, ...]
    steps: tuple[int, ...]
    sizes: tuple[float, ...]
    ratios: tuple[tuple[float, ...], ...]


# As the authors published them for Pascal VOC; the rule in their paper has an exception for the first map.
SSD300 = DefaultBoxLayout(
    (38, 19, 10, 5, 3, 1),
    (8, 16, 32, 64, 100, 300),
    (30, 60, 111, 162, 213, 264, 315),
    ((2,), (2, 3), (2, 3), (2, 3), (2,), (2,)),
)
SSD512 = DefaultBoxLayout(
    (64, 32, 16, 8, 4, 2, 1),
    (8, 16, 32, 64, 128, 256, 512),
    (35.84, 76.8, 153.6, 230.4, 307.2, 384, 460.8, 537.6),
    ((2,), (2, 3), (2, 3), (2, 3), (2, 3), (2,), (2,)),
)


def boxes_per_location(layout: DefaultBoxLayout) -> tuple[int, ...]:
    """Return the number of default boxes at each location of each map: two squares, and two of each ratio."""
    return tuple(2 + 2 * len(ratios) for ratios in layout.ratios)


def default_boxes(layout: DefaultBoxLayout) -> Array:
    """Return the default boxes at every location of every map.

    Parameters
    ----------
    layout : DefaultBoxLayout

    Returns
    -------
    boxes : float32 ndarray of shape (K, 4)
        ``x1, y1, x2, y2`` in pixels. Map by map, row by row, column by column; at each location the square of the
        map's size s, the square of size ``sqrt(s * next s)``, and for each ratio the wide and the tall box of area
        ``s ** 2``. Boxes may reach out of the image. SSD300 has 8,732 of them, SSD512 24,564.

    Raises
    ------
    ValueError
        If the parts of the layout have entries for different numbers of maps.

    References
    ----------
    Liu et al., "SSD: single shot multibox detector", ECCV 2016, section 2.2, "Choosing scales and aspect ratios".

    Examples
    --------
    >>> from minivision.detection import SSD300, DefaultBoxLayout, default_boxes
    >>> default_boxes(SSD300).shape
    (8732, 4)
    >>> default_boxes(DefaultBoxLayout((1,), (10,), (4, 9), ((),))).tolist()
    [[3.0, 3.0, 7.0, 7.0], [2.0, 2.0, 8.0, 8.0]]
    """
    map_sizes, steps, sizes, ratios = layout
    if not len(map_sizes) == len(steps) == len(ratios) == len(sizes) - 1:
        raise ValueError(
            f"layout: expected as many steps and ratios as map_sizes, and one size more, got {len(map_sizes)} "
            f"map_sizes, {len(steps)} steps, {len(sizes)} sizes and {len(ratios)} ratios"
        )
    maps = []
    for k, map_size in enumerate(map_sizes):
        rows, columns = pair("map_sizes", map_size)
        shapes = [(sizes[k], sizes[k]), 2 * (np.sqrt(sizes[k] * sizes[k + 1]),)]
        for ratio in ratios[k]:
            long, short = sizes[k] * np.sqrt(ratio), sizes[k] / np.sqrt(ratio)
            shapes += [(long, short), (short, long)]
        half = np.array(shapes) / 2  # (A, 2)
        y, x = (np.mgrid[:rows, :columns] + 0.5) * steps[k]
        centers = np.stack([x, y], axis=-1)[:, :, None]  # (rows, columns, 1, 2)
        maps.append(np.concatenate([centers - half, centers + half], axis=-1).reshape(-1, 4))
    return np.concatenate(maps).astype(np.float32)
