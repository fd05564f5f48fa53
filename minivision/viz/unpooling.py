"""A symmetric network: each max pooling on the way down, and the unpooling on the way up that takes its switches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.types import Array
from minivision.viz.colors import ORANGE, SKY_BLUE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEVELS = 2  # poolings, and as many unpoolings
GAP = 2.2  # cells between two maps
INCHES = 0.27  # of a cell
COLORS = (SKY_BLUE, ORANGE)  # of the places that a pooling remembers


def draw_unpooling(x: Array) -> Figure:
    """Draw a map that is max-pooled twice, by two, and unpooled twice: which place each unpooling gets from where.

    The places of the maxima (the switches) are colored, by pooling; a dashed arrow leads from each pooling to the
    unpooling that uses its places.

    Parameters
    ----------
    x : ndarray of shape (H, W)
        Sides that divide by 4, at most 16 cells.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        When `x` has another shape.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.viz import draw_unpooling
    >>> figure = draw_unpooling(np.arange(64.0).reshape(8, 8))
    >>> figure.alt
    'Max pooling twice, 8 x 8 to 2 x 2, and unpooling twice: 4 of 64 values come back, at their old places'
    """
    from minivision.viz.figure import Figure

    x = np.asarray(x, float)
    if x.ndim != 2 or x.size == 0 or any(size % 4 or size > 16 for size in x.shape):
        raise ValueError(f"x: expected (H, W), sides that divide by 4 and are at most 16, got {x.shape}")
    maps, taken = _down_and_up(x)
    height, width = x.shape
    lefts = np.cumsum([0.0, *(each.shape[1] + GAP for each in maps[:-1])])
    size = ((lefts[-1] + width + 1) * INCHES, (height + 5.5) * INCHES)
    figure = Figure(figsize=size, dpi=144, facecolor="white")
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(-0.5, lefts[-1] + width + 0.5), ylim=(height + 3.8, -1.7), aspect="equal")
    axis.set_axis_off()
    titles = ("before", "pooled", "pooled twice", "unpooled", "unpooled twice")
    for k, (each, left) in enumerate(zip(maps, lefts, strict=True)):
        level = min(k, len(maps) - 1 - k)
        _draw_map(axis, each, left, (height - each.shape[0]) / 2, taken[level] if level < LEVELS else None, level)
        middle = left + each.shape[1] / 2
        axis.text(middle, (height - each.shape[0]) / 2 - 0.5, titles[k], ha="center", va="bottom", fontsize=10)
        if k:
            arrow = {"arrowstyle": "-|>", "color": "0.3", "shrinkA": 0, "shrinkB": 0}
            axis.annotate("", (left - 0.3, height / 2), (left - GAP + 0.3, height / 2), arrowprops=arrow)
    for level in range(LEVELS):
        _draw_switches(axis, maps, lefts, level, height)
    sizes = f"{height} x {width} to {maps[LEVELS].shape[0]} x {maps[LEVELS].shape[1]}"
    back = f"{maps[LEVELS].size} of {x.size} values come back, at their old places"
    figure.alt = f"Max pooling twice, {sizes}, and unpooling twice: {back}"
    return figure


def _down_and_up(x: Array) -> tuple[list[Array], list[Array]]:
    """Return all maps from left to right, and for each pooling which places of its input it took."""
    maps, places = [x[None, None]], []
    for _ in range(LEVELS):
        pooled, indices = ops.max_pool2d(maps[-1], 2)
        maps.append(pooled)
        places.append(indices)
    for level in reversed(range(LEVELS)):
        maps.append(ops.max_unpool2d(maps[-1], places[level], maps[level].shape[2:]))
    taken = [
        np.isin(np.arange(maps[level].size), places[level]).reshape(maps[level].shape[2:]) for level in range(LEVELS)
    ]
    return [each[0, 0] for each in maps], taken


def _draw_map(axis: Any, values: Array, left: float, top: float, taken: Array | None, level: int) -> None:
    from matplotlib.patches import Rectangle

    for i, j in np.ndindex(values.shape):
        on = taken is not None and taken[i, j]
        color = COLORS[level] if on else "white"
        axis.add_patch(Rectangle((left + j, top + i), 1, 1, facecolor=color, edgecolor="0.6", linewidth=0.7))
        ink = "black" if values[i, j] or on else "0.7"
        axis.text(left + j + 0.5, top + i + 0.5, f"{values[i, j]:g}", ha="center", va="center", fontsize=8, color=ink)


def _draw_switches(axis: Any, maps: list[Array], lefts: Array, level: int, height: int) -> None:
    """Draw the dashed arrow from a pooling's input to the unpooling that fills the same places."""
    first, last = level, len(maps) - 1 - level
    start, end = (lefts[k] + maps[k].shape[1] / 2 for k in (first, last))
    foot = (height + maps[level].shape[0]) / 2 + 0.25
    depth = height + (2.6 if level == 0 else 0.9)
    style = {"color": "0.25", "linewidth": 1.2, "linestyle": (0, (4, 3))}
    axis.plot([start, start, end], [foot, depth, depth], **style)
    arrow = {"arrowstyle": "-|>", "linestyle": (0, (4, 3)), "color": "0.25", "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (end, foot), (end, depth), arrowprops=arrow)
    text = f"places of pooling {level + 1}"
    box = {"facecolor": COLORS[level], "edgecolor": "none", "pad": 2}
    axis.text((start + end) / 2, depth, text, ha="center", va="center", fontsize=9, bbox=box)
