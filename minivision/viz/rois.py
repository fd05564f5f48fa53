"""Pictures of regions on feature maps: how a box of the image is projected, pooled, and sampled."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from minivision import ops
from minivision.core.arguments import pair
from minivision.core.types import Array, IntOrPair
from minivision.ops.regions import neighbors, round_half_away
from minivision.viz.boxes import draw_box, show_image
from minivision.viz.colors import BLUE, COLORS, ORANGE, VERMILION
from minivision.viz.grid import make_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minivision.viz.figure import Figure

CELL = 3.2  # inches of a picture
INK, FAINT = "#1a1a1a", "#b8b8b8"
MOST_NUMBERS = 14  # rows or columns of a map whose numbers can still be read
INSET = 0.08  # cells by which a bin is drawn smaller than it is, so that bins that overlap can be told apart


def draw_roi_on_map(
    image: Array, features: Array, box: npt.ArrayLike, output_size: IntOrPair = 7, *, stride: int
) -> Figure:
    """Draw a box on its image and, projected, on the feature map: exactly, and rounded as RoI pooling does it.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    features : ndarray of shape (C, H / stride, W / stride)
        The mean over the channels is drawn.
    box : ndarray of shape (4,)
        ``x1, y1, x2, y2`` in pixels of the image.
    output_size : int or (int, int)
        Rows and columns of the bins.
    stride : int
        Pixels of the image from one feature to the next.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_roi_on_map
    >>> image = Scenes("easy", "val")[0].image
    >>> features = image.reshape(16, 8, 16, 8, 3).mean(axis=(1, 3)).transpose(2, 0, 1)  # means of 8 x 8 pixels
    >>> figure = draw_roi_on_map(image, features, (30, 41, 94, 84), 2, stride=8)
    >>> figure.alt
    'A box on an image of 128 x 128 pixels, and on its map of 16 x 16 cells: rounded, it covers 7 x 9 cells'
    """
    (x1, y1, x2, y2), (rows, columns) = _box(box), pair("output_size", output_size)
    height, width = image.shape[:2]
    map_rows, map_columns = features.shape[-2:]
    left, top, right, bottom = (round_half_away(value / stride) for value in (x1, y1, x2, y2))
    titles = [
        f"the box, in {height} x {width} pixels",
        f"on the map, {map_rows} x {map_columns} cells",
        "from close by: its bins",
    ]
    figure, axes = make_grid(1, titles, cell=(CELL, CELL * height / width))
    show_image(axes[0, 0], image, faded=False)
    draw_box(axes[0, 0], (x1, y1, x2, y2), INK, 4)
    draw_box(axes[0, 0], (x1, y1, x2, y2), ORANGE, 2)
    for axis in axes[0, 1:]:
        _show_map(axis, features.mean(axis=0))
        draw_box(axis, np.array([x1, y1, x2, y2]) / stride, ORANGE, 2, style="--")
    draw_box(axes[0, 1], (left, top, right + 1, bottom + 1), VERMILION, 2.4)
    _draw_pooling_bins(axes[0, 2], (left, top, right, bottom), (rows, columns))
    axes[0, 2].set(xlim=(left - 1, right + 2), ylim=(bottom + 2, top - 1), aspect="equal")
    size = f"{bottom - top + 1} x {right - left + 1}"
    figure.alt = (
        f"A box on an image of {height} x {width} pixels, and on its map of {map_rows} x {map_columns} cells: "
        f"rounded, it covers {size} cells"
    )
    return figure


def draw_roi_comparison(
    plane: Array,
    box: npt.ArrayLike,
    output_size: IntOrPair = 2,
    *,
    spatial_scale: float = 1.0,
    sampling_ratio: int = 2,
) -> Figure:
    """Draw how RoI pooling and RoIAlign read a region, and one of RoIAlign's samples from close by.

    A sample is read as if it were a square of one cell: its share of each of the four cells is the area on it.

    Parameters
    ----------
    plane : ndarray of shape (H, W)
        One channel of a feature map.
    box : ndarray of shape (4,)
        ``x1, y1, x2, y2`` in pixels of the image.
    output_size : int or (int, int)
        Rows and columns of the bins.
    spatial_scale : float
        Size of the map relative to the image of the box.
    sampling_ratio : int
        Samples along each side of a bin.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If the map is no plane, or the first sample of the box is outside of it.

    References
    ----------
    He, Gkioxari, Dollár and Girshick, "Mask R-CNN", ICCV 2017, figure 3.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.viz import draw_roi_comparison
    >>> figure = draw_roi_comparison(np.arange(36.0).reshape(6, 6), (0.6, 1.2, 4.0, 4.4))
    >>> figure.alt
    'A box on a map of 6 x 6 cells: RoI pooling rounds it to 4 x 4 cells, RoIAlign takes 16 samples; the first is 7.12'
    """
    plane, corners, (rows, columns) = np.asarray(plane, float), _box(box) * spatial_scale, pair("size", output_size)
    if plane.ndim != 2:
        raise ValueError(f"plane: expected one channel of a map, of shape (H, W), got {plane.shape}")
    x1, y1, x2, y2 = corners
    down = y1 + (np.arange(rows * sampling_ratio) + 0.5) * (y2 - y1) / (rows * sampling_ratio)
    across = x1 + (np.arange(columns * sampling_ratio) + 0.5) * (x2 - x1) / (columns * sampling_ratio)
    rounded = [round_half_away(value) for value in corners]
    titles = ["RoI pooling: rounded", "RoIAlign: where it is", ""]
    figure, axes = make_grid(1, titles, cell=(CELL, CELL * plane.shape[0] / plane.shape[1]))
    for axis in axes[0, :2]:
        _show_map(axis, plane, numbers=True)
        draw_box(axis, corners, INK, 1.8, style="--" if axis is axes[0, 0] else "-")
    _draw_pooling_bins(axes[0, 0], rounded, (rows, columns))
    _, argmax = ops.roi_pool(plane[None, None], np.array([[0, *corners]]), (rows, columns))
    for row, column in (divmod(int(place), plane.shape[1]) for place in argmax.ravel() if place >= 0):
        axes[0, 0].plot(column + 0.5, row + 0.5, "o", color=INK, markersize=15, fillstyle="none", markeredgewidth=1.6)
    for y in np.linspace(y1, y2, rows + 1)[1:-1]:
        axes[0, 1].plot([x1, x2], [y, y], color=INK, linewidth=1.2)
    for x in np.linspace(x1, x2, columns + 1)[1:-1]:
        axes[0, 1].plot([x, x], [y1, y2], color=INK, linewidth=1.2)
    axes[0, 1].plot(*np.meshgrid(across, down), "o", color=BLUE, markersize=5, markeredgecolor="white")
    draw_box(axes[0, 1], (across[0] - 0.5, down[0] - 0.5, across[0] + 0.5, down[0] + 0.5), VERMILION, 1.8)
    value = _draw_sample(axes[0, 2], plane, across[0], down[0])
    high, wide = rounded[3] - rounded[1] + 1, rounded[2] - rounded[0] + 1
    figure.alt = (
        f"A box on a map of {plane.shape[0]} x {plane.shape[1]} cells: RoI pooling rounds it to {high} x {wide} cells, "
        f"RoIAlign takes {down.size * across.size} samples; the first is {value:.2f}"
    )
    return figure


def _box(box):
    box = np.asarray(box, float)
    if box.shape != (4,) or not np.isfinite(box).all() or (box[2:] <= box[:2]).any():
        raise ValueError(f"box: expected x1, y1, x2, y2 with x1 < x2 and y1 < y2, got {box.tolist()}")
    return box


def _show_map(axis: Axes, plane: Array, *, numbers: bool = False) -> None:
    """Show a plane as pale cells, with their numbers if they can be read, in coordinates of cells."""
    rows, columns = plane.shape
    low, high = (float(end) for end in (np.nanmin(plane), np.nanmax(plane)))
    room = (high - low) or 1.0
    axis.imshow(plane, cmap="gray", vmin=low - 1.6 * room, vmax=high + 0.1 * room, extent=(0, columns, rows, 0))
    for row in range(rows + 1):
        axis.axhline(row, color="white", linewidth=0.6, zorder=0.5)
    for column in range(columns + 1):
        axis.axvline(column, color="white", linewidth=0.6, zorder=0.5)
    if numbers and max(rows, columns) <= MOST_NUMBERS:
        for row, column in np.ndindex(rows, columns):
            text = f"{plane[row, column]:.3g}"
            axis.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=9, color=INK)


def _draw_pooling_bins(axis, corners, bins):
    """Draw the bins of RoI pooling, whole cells each; they overlap where the cells do not divide evenly."""
    left, top, right, bottom = corners
    down, across = (max(end - start + 1, 1) / n for start, end, n in ((top, bottom, bins[0]), (left, right, bins[1])))
    for k, (i, j) in enumerate(np.ndindex(*bins)):
        y1, y2 = top + math.floor(i * down), top + math.ceil((i + 1) * down)
        x1, x2 = left + math.floor(j * across), left + math.ceil((j + 1) * across)
        draw_box(axis, (x1 + INSET, y1 + INSET, x2 - INSET, y2 - INSET), COLORS[(2 * k) % 7], 1.8)


def _draw_sample(axis, plane, x, y):
    """Draw the four cells that a sample at (x, y) is blended of, with its share of each; return the blend."""
    from matplotlib.patches import Rectangle

    H, W = plane.shape
    corners = list(itertools.product(neighbors(y - 0.5, H), neighbors(x - 0.5, W)))
    if not corners:
        raise ValueError(f"box: its first sample, at column {x:.1f} and row {y:.1f} of the map, is outside of the map")
    value, shares = 0.0, {}
    for (row, share_y), (column, share_x) in corners:  # at a border two of them are one cell
        value += share_y * share_x * plane[row, column]
        shares[row, column] = shares.get((row, column), 0.0) + share_y * share_x
    for k, ((row, column), share) in enumerate(shares.items()):
        axis.add_patch(Rectangle((column, row), 1, 1, facecolor="#ececec", edgecolor="white", linewidth=2))
        x1, y1, x2, y2 = max(column, x - 0.5), max(row, y - 0.5), min(column + 1, x + 0.5), min(row + 1, y + 0.5)
        if x2 > x1 and y2 > y1:
            axis.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, facecolor=COLORS[k % 7], alpha=0.55))
        text = f"{share:.2f} · {plane[row, column]:.3g}"
        axis.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=10, color=INK)
    draw_box(axis, (x - 0.5, y - 0.5, x + 0.5, y + 0.5), VERMILION, 2.0)
    axis.plot(x, y, "o", color=BLUE, markersize=8, markeredgecolor="white")
    rows, columns = zip(*shares, strict=True)
    axis.set(xlim=(min(columns), max(columns) + 1), ylim=(max(rows) + 1, min(rows)), aspect="equal")
    axis.set_title(f"one sample: {value:.2f}", fontsize=11, color="0.2", pad=5)
    return value
