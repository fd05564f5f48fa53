"""Intersection over union as a picture: two boxes, the area they share and the area they cover."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.types import Size
from minivision.viz.boxes import draw_box
from minivision.viz.colors import GREEN, ORANGE, SKY_BLUE
from minivision.viz.grid import make_grid
from minivision.viz.pictures import TALL
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.viz.figure import Figure

COLUMNS, CELL = 5, 2.1  # pictures in a row; inches of each


def draw_iou(pairs: Any, *, size: Size | None = None) -> Figure:
    """Draw pairs of boxes: one orange, one blue, their intersection green; below each its area over the union's.

    Parameters
    ----------
    pairs : sequence of (box, box)
        Each box ``(x1, y1, x2, y2)``.
    size : (int, int), optional
        Height and width of what is shown; by default just enough for all boxes.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.viz import draw_iou
    >>> truth = (2, 2, 10, 8)
    >>> figure = draw_iou([(truth, (2, 2, 10, 8)), (truth, (4, 4, 12, 10)), (truth, (11, 2, 15, 8))])
    >>> figure.alt
    '3 pairs of boxes and their intersection over union: 1.00, 0.33, 0.00'
    """
    from matplotlib.patches import Rectangle

    pairs = np.asarray(pairs, np.float64)
    if pairs.ndim != 3 or pairs.shape[1:] != (2, 4) or not len(pairs):
        raise ValueError(f"pairs: expected pairs of boxes, (K, 2, 4), got shape {pairs.shape}")
    height, width = (pairs[..., 3].max() + 1, pairs[..., 2].max() + 1) if size is None else size
    columns = min(len(pairs), COLUMNS)
    rows = math.ceil(len(pairs) / columns)
    figure, axes = make_grid(rows, [""] * columns, cell=(CELL, CELL * min(height / width, TALL) + 0.3))
    shown = []
    for axis, (one, other) in zip(axes.ravel(), pairs, strict=False):
        for box, color in ((one, ORANGE), (other, SKY_BLUE)):
            axis.add_patch(Rectangle(box[:2], *(box[2:] - box[:2]), facecolor=color, alpha=0.35, edgecolor="none"))
        shared = Rectangle(one[:2], *(one[2:] - one[:2]), facecolor=GREEN, alpha=0.9, edgecolor="none")
        axis.add_patch(shared)  # all of one box, of which only what lies in the other is seen
        shared.set_clip_path(Rectangle(other[:2], *(other[2:] - other[:2]), transform=axis.transData))
        for box, color in ((one, ORANGE), (other, SKY_BLUE)):
            draw_box(axis, box, color, 2)
        iou = ops.box_iou(one[None], other[None])[0, 0]
        areas = ops.box_area(np.stack([one, other])).sum()
        union = areas / (1 + iou)  # for the intersection is iou * union, and both together are the two areas
        intersection = areas - union
        text = f"{intersection:g} / {union:g} = {iou:.2f}"
        axis.text(width / 2, height, text, ha="center", va="top", fontsize=10, color="0.15")
        axis.set(xlim=(-0.5, width + 0.5), ylim=(height + 0.14 * height, -0.5), aspect="equal")
        shown.append(f"{iou:.2f}")
    figure.alt = f"{len(pairs)} pairs of boxes and their intersection over union: {listed(shown)}"
    return figure
