"""Qualities over time of several systems: one point each, on a logarithmic time axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from minivision.viz.bars import FAINT, GRID, INK
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.viz.figure import Figure

# Of the groups in turn: colors and shapes, so that they differ in black and white too.
COLORS = ("#cc79a7", "#d55e00", "#e69f00", "#009e73", "#56b4e9", "#0072b2")
MARKERS = ("X", "s", "D", "^", "v", "o")
WIDTH, PANEL, GAP, TOP, BOTTOM = 8.6, 3.95, 0.65, 1.05, 0.6  # inches: of the figure, a panel, between and around them
LETTER, LINE = 4.0, 9.0  # points: width and height of a letter of a label


class Point(NamedTuple):
    """One system, or one way to use it.

    Attributes
    ----------
    group, name : str
        What it belongs to, and what tells it from the others there.
    seconds : float
    quality : float
        From 0 to 1.
    spread : float, optional
        Drawn as a line from the quality less the spread to the quality and the spread.
    """

    group: str
    name: str
    seconds: float
    quality: float
    spread: float | None = None


def draw_tradeoff(points: Sequence[Point], *, title: str, subtitle: str = "", xlabel: str, ylabel: str) -> Figure:
    """Draw one quality over time; see :func:`draw_tradeoffs`."""
    return draw_tradeoffs({ylabel: points}, title=title, subtitle=subtitle, xlabel=xlabel)


def draw_tradeoffs(qualities: Mapping[str, Sequence[Point]], *, title: str, subtitle: str = "", xlabel: str) -> Figure:
    """Draw qualities over time; points of a group are joined, and each says what it is. Up and to the left is better.

    Parameters
    ----------
    qualities : mapping
        Name of a quality -> the points; each has a panel, one below the other.
    title, subtitle, xlabel : str

    Returns
    -------
    matplotlib Figure
    """
    from minivision.viz.figure import Figure

    height = TOP + BOTTOM + len(qualities) * PANEL + (len(qualities) - 1) * GAP
    figure = Figure(figsize=(WIDTH, height), dpi=144, facecolor="white")
    figure.text(0.02, 1 - 0.17 / height, title, size=14, weight="bold", color=INK, va="top")
    figure.text(0.02, 1 - 0.53 / height, subtitle, size=9.5, color=FAINT, va="top")
    for k, (name, points) in enumerate(qualities.items()):
        bottom = height - TOP - (k + 1) * PANEL - k * GAP
        axis = figure.add_axes((0.08, bottom / height, 0.89, PANEL / height))
        _draw_panel(axis, points, name, f"{xlabel} (logarithmic)", legend=k == 0)
    panels = (f"{name}, {_in_words(points)}" for name, points in qualities.items())
    figure.alt = f"{title}: points of {xlabel} and {'; '.join(panels)}"
    return figure


def _in_words(points):
    ends = {"best": max, "worst": min}
    groups = listed(dict.fromkeys(point.group for point in points))
    if not points:
        return "none"
    said = (f"{word} {each.group} {each.quality:.2f}" for word, take in ends.items()
            for each in [take(points, key=lambda point: point.quality)])  # fmt: skip
    return f"of {groups}; {', '.join(said)}"


def _draw_panel(axis, points, ylabel, xlabel, *, legend):
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    groups = list(dict.fromkeys(point.group for point in points))
    for k, group in enumerate(groups):
        own = sorted((point for point in points if point.group == group), key=lambda point: point.seconds)
        color, marker = COLORS[k % len(COLORS)], MARKERS[k % len(MARKERS)]
        axis.plot(
            [point.seconds for point in own], [point.quality for point in own],
            color=color, marker=marker, markersize=8, markeredgecolor="white", linewidth=1.4, label=group,
        )  # fmt: skip
        for point in own:
            if point.spread:
                ends = point.quality - point.spread, point.quality + point.spread
                axis.vlines(point.seconds, *ends, color=color, linewidth=2.2)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _duration(seconds)))
    axis.xaxis.set_minor_formatter(NullFormatter())
    if points:
        best, worst = max(point.quality for point in points), min(point.quality for point in points)
        axis.set_ylim(max(0, worst - 0.12), min(1, best + 0.08))
        axis.set_xlim(min(point.seconds for point in points) / 1.3, max(point.seconds for point in points) * 2)
        if legend:
            axis.legend(loc="lower left", bbox_to_anchor=(0, 1.01), ncols=6, frameon=False, fontsize=9, labelcolor=INK,
                        columnspacing=1.4, handletextpad=0.4, borderaxespad=0)  # fmt: skip
        _write_names(axis, points)
    axis.set_xlabel(xlabel, size=10, color=INK)
    axis.set_ylabel(ylabel, size=10, color=INK)
    axis.tick_params(which="both", length=0, labelsize=9, labelcolor=INK)
    axis.grid(color=GRID, linewidth=0.8)
    axis.set_axisbelow(True)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _write_names(axis, points):
    """Write each point's name beside it, on the side where it covers least of what is there already."""
    figure = axis.figure
    to_points = 72 / figure.dpi
    at = axis.transData.transform([(point.seconds, point.quality) for point in points]) * to_points
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in at]
    for point, (x, y) in zip(points, at, strict=True):
        width = LETTER * len(point.name)
        sides = [
            (dx if right else -dx - width, dy)
            for right in (True, False)
            for dx, dy in ((6, -9), (6, 3), (0, -16), (0, 9))
        ]
        boxes = [(x + dx, y + dy, x + dx + width, y + dy + LINE) for dx, dy in sides]
        best = min(range(len(boxes)), key=lambda k: (_covered(boxes[k], taken), k))
        taken.append(boxes[best])
        axis.annotate(point.name, (point.seconds, point.quality), xytext=sides[best], textcoords="offset points",
                      size=7.5, color=INK)  # fmt: skip


def _covered(box, others):
    """Return the area that a box shares with others."""
    x1, y1, x2, y2 = box
    return sum(
        max(0, min(x2, right) - max(x1, left)) * max(0, min(y2, top) - max(y1, bottom))
        for left, bottom, right, top in others
    )


def _duration(seconds):
    """Say a time shortly: 5 ms, 1.2 s."""
    return f"{1e3 * seconds:g} ms" if seconds < 1 else f"{seconds:g} s"
