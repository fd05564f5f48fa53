"""Aligned bars: several quantities of several systems, one panel for each quantity."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.viz.figure import Figure

INK, FAINT, GRID = "#333333", "#777777", "#e4e4e4"
# Of the groups in turn: Okabe and Ito's, from light to dark, so that they differ in black and white too.
GROUP_COLORS = ("#e69f00", "#009e73", "#0072b2", "#56b4e9", "#cc79a7")
WIDE = 20  # a quantity whose values differ by more than this factor is drawn on a logarithmic axis
ROW, HEAD, TOP, BOTTOM = 0.27, 0.34, 1.35, 0.62  # inches: of a row, of a group's name, above and below the bars
LABELS, PANEL, GAP = 1.75, 2.05, 0.2  # inches: for the names of the rows, of a panel, between panels


class BarPanel(NamedTuple):
    """One quantity of every row.

    Attributes
    ----------
    title, subtitle : str
    values : sequence of float or None
        None where it is not known.
    shown : callable
        Turns a value into the text at its bar.
    marks : sequence of float or None
        A second value of each row, drawn as an open diamond.
    note : str
        Said below the axis, after whether it is logarithmic.
    spreads : sequence of float or None
        Of each row, drawn as a line from the value less the spread to the value and the spread.
    """

    title: str
    subtitle: str
    values: Sequence[float | None]
    shown: Callable[[float], str]
    marks: Sequence[float | None] = ()
    note: str = ""
    spreads: Sequence[float | None] = ()


def draw_bars(rows: Sequence[tuple[str, str]], panels: Sequence[BarPanel], *, title: str, subtitle: str = "") -> Figure:
    """Draw a bar for each row in each panel; rows of a group lie together, under its name.

    Parameters
    ----------
    rows : sequence of (str, str)
        Group and name of each row.
    panels : sequence of BarPanel
    title, subtitle : str

    Returns
    -------
    matplotlib Figure
    """
    from minivision.viz.figure import Figure

    places, heads, depth = _places(rows)
    width = LABELS + len(panels) * (PANEL + GAP)
    height = TOP + depth + BOTTOM
    figure = Figure(figsize=(width, height), dpi=144, facecolor="white")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    figure.subplots_adjust(
        left=LABELS / width, right=1 - GAP / width, top=1 - TOP / height, bottom=BOTTOM / height, wspace=GAP / PANEL
    )
    figure.text(0.16 / width, 1 - 0.16 / height, title, size=14, weight="bold", color=INK, va="top")
    figure.text(0.16 / width, 1 - 0.47 / height, subtitle, size=9.5, color=FAINT, va="top")
    colors = _colors(rows)
    for axis, panel in zip(axes, panels, strict=True):
        _draw_bars(axis, panel, places, colors)
    axes[0].set_ylim(depth, 0)
    axes[0].set_yticks(places, [name for _, name in rows])
    for axis in axes:
        axis.tick_params(axis="y", length=0, labelsize=9.5, labelcolor=INK, pad=6)
        for place in heads.values():
            axis.axhline(place - HEAD / 2, color=GRID, linewidth=0.8, zorder=0)
    for group, place in heads.items():
        x = (0.16 - LABELS) / PANEL  # at the left edge of the figure, in widths of the first panel
        axes[0].text(x, place, group, transform=axes[0].get_yaxis_transform(), size=9.5, weight="bold", color=INK,
                     va="center")  # fmt: skip
    figure.alt = f"{title}, as bars; {'; '.join(_in_words(rows, panel) for panel in panels)}"
    return figure


def _in_words(rows, panel):
    known = [(row, value) for row, value in zip(rows, panel.values, strict=True) if value is not None]
    bars = (f"{' '.join(filter(None, row))} {panel.shown(value)}" for row, value in known)
    return f"{panel.title}, {panel.subtitle}: {listed(bars)}"


def _places(rows):
    """Return how far down each row stands and each group's name, in inches, and how far down it all goes."""
    places, heads, depth = [], {}, 0.0
    for group, _ in rows:
        if group not in heads:
            heads[group] = depth + HEAD / 2
            depth += HEAD
        places.append(depth + ROW / 2)
        depth += ROW
    return places, heads, depth + 0.08


def _colors(rows):
    groups = list(dict.fromkeys(group for group, _ in rows))
    return [GROUP_COLORS[groups.index(group) % len(GROUP_COLORS)] for group, _ in rows]


def _draw_bars(axis, panel, places, colors):
    spreads = [spread or 0.0 for spread in panel.spreads] or [0.0] * len(panel.values)
    ends = [None if value is None else value + spread for value, spread in zip(panel.values, spreads, strict=True)]
    values = [value for value in (*panel.values, *ends, *panel.marks) if value is not None and math.isfinite(value)]
    logarithmic = bool(values) and min(values) > 0 and max(values) > WIDE * min(values)
    _scale(axis, values, logarithmic)
    for place, value, spread, color in zip(places, panel.values, spreads, colors, strict=True):
        if value is None or not math.isfinite(value):
            continue
        axis.barh(place, value, height=0.72 * ROW, color=color, linewidth=0)
        if spread:
            axis.hlines(place, max(value - spread, 0 if not logarithmic else value / 2), value + spread, color=INK,
                        linewidth=1.4)  # fmt: skip
        axis.annotate(panel.shown(value), (value + spread, place), xytext=(4, 0), textcoords="offset points",
                      va="center", size=9, color=INK)  # fmt: skip
    for place, mark, color in zip(places, panel.marks, colors, strict=False):
        if mark is not None:
            axis.plot(mark, place, marker="D", markersize=5, markerfacecolor="white", markeredgecolor=color)
    for line, (text, color) in enumerate([(panel.subtitle, FAINT), (panel.title, INK)]):  # from below
        axis.annotate(text, (0, 1), xytext=(0, 8 + 14 * line), xycoords="axes fraction", textcoords="offset points",
                      size=10, color=color)  # fmt: skip
    notes = ["logarithmic axis"] if logarithmic else []
    notes += ["line: ± standard deviation"] if any(panel.spreads) else []
    notes += [panel.note] if panel.note else []
    axis.set_xlabel("\n".join(notes), size=8.5, color=FAINT, loc="left", labelpad=5, linespacing=1.4)


def _scale(axis, values, logarithmic):
    """Let the bars begin at 0, or on a logarithmic axis at the power of ten below; leave room for the numbers."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, NullLocator

    if logarithmic:
        first, last = math.floor(math.log10(min(values)) - 0.15), math.log10(max(values))
        axis.set_xscale("log")
        axis.set_xlim(10**first, 10 ** (last + 0.34 * (last - first)))
        axis.xaxis.set_major_locator(LogLocator(numticks=8))
        axis.xaxis.set_minor_locator(NullLocator())
    else:
        axis.set_xlim(0, 1.42 * max(values, default=1) or 1)
        axis.xaxis.set_major_locator(MaxNLocator(4))
    axis.xaxis.set_major_formatter(NullFormatter())  # the numbers stand at the bars
    axis.tick_params(axis="x", length=0)
    axis.grid(axis="x", color=GRID, linewidth=0.8)
    axis.set_axisbelow(True)
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.spines["left"].set(visible=True, color=FAINT)
