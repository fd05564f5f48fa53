"""SSD's default boxes: anchors on several maps, small ones where the map is fine, large ones where it is coarse."""

from typing import NamedTuple

import numpy as np

from minivision.core.arguments import pair


class DefaultBoxLayout(NamedTuple):
    """The default boxes of a network.

    Attributes
    ----------
    map_sizes : tuple of (int, int) or int
        Rows and columns of each map.
    steps : tuple of int
        Pixels of the image from one place of each map to the next.
    sizes : tuple of float
        Side of the square boxes of each map, in pixels, and one more: what the map after the last would have.
    ratios : tuple of tuple of float
        For each map, the ratios of its longer boxes: of each there is a lying and a standing one.
    """

    map_sizes: tuple
    steps: tuple
    sizes: tuple
    ratios: tuple


# As the authors published them for Pascal VOC; their paper says a rule, and lets the first map depart from it.
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


def boxes_per_place(layout):
    """Return how many default boxes each place of each map has: two squares, and two of each ratio."""
    return tuple(2 + 2 * len(ratios) for ratios in layout.ratios)


def default_boxes(layout):
    """Lay the default boxes around the middle of every place of every map.

    Parameters
    ----------
    layout : DefaultBoxLayout

    Returns
    -------
    (K, 4) float32 array
        ``x1, y1, x2, y2`` in pixels. Map after map, place after place along the rows; of each place the square of
        the map's size s, the square of ``sqrt(s * next s)``, and for each ratio r the lying and the standing box of
        area ``s ** 2``. Boxes may reach out of the image. SSD300 has 8,732 of them, SSD512 24,564.

    Raises
    ------
    ValueError
        When the parts of the layout are not of the same number of maps.

    References
    ----------
    Liu et al., "SSD: single shot multibox detector", ECCV 2016, section 2.2, "Choosing scales and aspect ratios".
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
