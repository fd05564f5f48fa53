"""Two boxes, what they share and what they cover: intersection over union as a picture."""

import math

import numpy as np

from minivision import ops
from minivision.viz.boxes import draw_box
from minivision.viz.colors import OKABE_ITO
from minivision.viz.grid import make_grid

ORANGE, SKY_BLUE, _, _, GREEN, *_ = (tuple(part / 255 for part in color) for color in OKABE_ITO)
COLUMNS, CELL = 5, 2.1  # pictures in a row; inches of each


def draw_overlap(pairs, *, size=None):
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
    """
    from matplotlib.patches import Rectangle

    pairs = np.asarray(pairs, np.float64)
    if pairs.ndim != 3 or pairs.shape[1:] != (2, 4) or not len(pairs):
        raise ValueError(f"pairs: expected pairs of boxes, (K, 2, 4), got shape {pairs.shape}")
    height, width = (pairs[..., 3].max() + 1, pairs[..., 2].max() + 1) if size is None else size
    columns = min(len(pairs), COLUMNS)
    rows = math.ceil(len(pairs) / columns)
    figure, axes = make_grid(rows, [""] * columns, cell=(CELL, CELL * height / width + 0.3))
    for axis, (one, other) in zip(axes.ravel(), pairs, strict=False):
        corner, end = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
        shared = np.array([*corner, *np.maximum(end, corner)])
        for box, color, alpha in ((one, ORANGE, 0.35), (other, SKY_BLUE, 0.35), (shared, GREEN, 0.9)):
            axis.add_patch(Rectangle(box[:2], *(box[2:] - box[:2]), facecolor=color, alpha=alpha, edgecolor="none"))
        for box, color in ((one, ORANGE), (other, SKY_BLUE)):
            draw_box(axis, box, color, 2)
        intersection = ops.box_area(shared[None])[0]
        union = ops.box_area(one[None])[0] + ops.box_area(other[None])[0] - intersection
        iou = ops.box_iou(one[None], other[None])[0, 0]
        text = f"{intersection:g} / {union:g} = {iou:.2f}"
        axis.text(width / 2, height, text, ha="center", va="top", fontsize=10, color="0.15")
        axis.set(xlim=(-0.5, width + 0.5), ylim=(height + 0.14 * height, -0.5), aspect="equal")
    return figure
