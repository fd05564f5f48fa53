"""SSD's idea in one picture: each feature map with the default boxes on it that are matched with objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.arguments import pair
from minivision.core.types import Array
from minivision.detection import DefaultBoxLayout, boxes_per_location, default_boxes, match_instances
from minivision.viz.boxes import cell_size, draw_box, show_image
from minivision.viz.colors import COLORS
from minivision.viz.grid import make_grid
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.data.instances import Instances
    from minivision.viz.figure import Figure

SIDE = 3.1  # inches of a picture's longer side
INK = "#1a1a1a"
SSD_THRESHOLDS = {"fg_iou_thresh": 0.5, "bg_iou_thresh": 0.5}


def draw_map_matches(
    image: Array, layout: DefaultBoxLayout, instances: Instances, *, thresholds: dict[str, Any] = SSD_THRESHOLDS
) -> Figure:
    """Draw each feature map's grid over the image, with its default boxes that are matched with an object.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    layout : DefaultBoxLayout
        The maps, as ``SSD.layout(image.shape[:2])`` returns them.
    instances : Instances
        The ground-truth objects; matched boxes have the color of their object.
    thresholds : dict
        As in :func:`minivision.detection.match`.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import DefaultBoxLayout
    >>> from minivision.viz import draw_map_matches
    >>> sample = Scenes("easy", "val", objects=3)[0]
    >>> layout = DefaultBoxLayout(((32, 32), (16, 16), (8, 8)), (4, 8, 16), (16, 28, 40, 52), ((2,), (2, 3), (2, 3)))
    >>> figure = draw_map_matches(sample.image, layout, sample.instances)
    >>> figure.alt
    'An image with 3 objects under the grids of 3 maps: 32 x 32: 8 matched, 16 x 16: 24 matched, 8 x 8: 11 matched'
    """
    matches = match_instances(default_boxes(layout), instances, **thresholds)
    boxes, first, titles = default_boxes(layout), 0, []
    figure, axes = make_grid(1, [""] * len(layout.map_sizes), cell=cell_size(image, SIDE))
    figure.set_size_inches(figure.get_figwidth(), figure.get_figheight() + 0.3)
    figure.subplots_adjust(top=1 - 0.3 / figure.get_figheight())
    for axis, map_size, step, count in zip(
        axes[0], layout.map_sizes, layout.steps, boxes_per_location(layout), strict=True
    ):
        rows, columns = pair("map_sizes", map_size)
        last = first + rows * columns * count
        show_image(axis, image)
        for row in range(1, rows):
            axis.axhline(row * step, color="white", linewidth=0.5)
        for column in range(1, columns):
            axis.axvline(column * step, color="white", linewidth=0.5)
        for k, box in enumerate(instances.boxes):
            draw_box(axis, box, INK, 3.4)
            draw_box(axis, box, COLORS[k % 7], 2.2)
        found = first + np.flatnonzero(matches[first:last] >= 0)
        for n in found:
            color = COLORS[matches[n] % 7]
            draw_box(axis, boxes[n], color, 1.0)
            axis.plot(*(boxes[n, :2] + boxes[n, 2:]) / 2, "o", color=color, markersize=4, markeredgecolor=INK)
        titles.append(f"{rows} x {columns}: {len(found)} matched")
        axis.set_title(f"{rows} x {columns} places, {len(found)} boxes matched", fontsize=10, color="0.2", pad=5)
        first = last
    figure.alt = f"An image with {len(instances)} objects under the grids of {len(titles)} maps: {listed(titles)}"
    return figure
