"""Pictures in rows and columns under titles, with a legend below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minivision.viz.figure import Figure

GAP = 0.06  # inches between pictures
SMALLEST = (1.2, 0.5)  # inches: width and height that a picture takes at least, however thin it is


def make_grid(
    rows: int, titles: Sequence[str], *, cell: tuple[float, float], entries: Sequence[Any] = ()
) -> tuple[Figure, Any]:
    """Make a figure with an empty place for each picture.

    Parameters
    ----------
    rows : int
    titles : sequence of str
        One for each column; where all are empty they take no room.
    cell : (float, float)
        Width and height of a picture, in inches; at least `SMALLEST`.
    entries : sequence of matplotlib artists
        Of the legend; it has as many lines as it needs.

    Returns
    -------
    matplotlib Figure
    axes : ndarray of shape (rows, columns) of matplotlib Axes
        Without ticks and frames.
    """
    from minivision.viz.figure import Figure

    cell = (max(cell[0], SMALLEST[0]), max(cell[1], SMALLEST[1]))
    longest = max((len(entry.get_label()) for entry in entries), default=0)
    width = 0.5 + 0.075 * longest  # inches that an entry takes
    lines = min(len(entries), math.ceil(len(entries) * width / (cell[0] * len(titles))))
    head, foot = (0.32 if any(titles) else GAP), (0.12 + 0.24 * lines if lines else GAP)  # inches
    size = (cell[0] * len(titles), cell[1] * rows + head + foot)
    figure = Figure(figsize=size, dpi=144, facecolor="white")
    axes = figure.subplots(rows, len(titles), squeeze=False)
    for axis in axes.ravel():
        axis.set_axis_off()
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=11, color="0.2", pad=5)
    figure.subplots_adjust(
        left=GAP / size[0], right=1 - GAP / size[0], top=1 - head / size[1], bottom=foot / size[1],
        wspace=GAP / cell[0], hspace=GAP / cell[1],
    )  # fmt: skip
    if entries:
        figure.legend(
            handles=entries, loc="lower center", ncols=math.ceil(len(entries) / lines), frameon=False, fontsize=9,
            handlelength=1.0, handleheight=1.0, columnspacing=1.4, handletextpad=0.5, borderaxespad=0.3,
            labelcolor="0.2",
        )  # fmt: skip
    return figure, axes


def legend_name(name: str) -> str:
    """Return a name as a legend takes it: matplotlib leaves out those that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name
