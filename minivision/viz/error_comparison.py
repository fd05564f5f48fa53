"""What several detectors do wrong: missed objects by cause, what changes from one to the next, costs by kind."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from minivision.viz.bars import FAINT, GRID, INK
from minivision.viz.words import listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Of the groups of causes in turn (Okabe and Ito's); the causes of a group are shades of its color.
HUES = ("#d55e00", "#0072b2", "#009e73", "#aa5f8e")
SHADES = (0.0, 0.45, 0.7, 0.22, 0.58)  # shares of white, so that neighbors differ
MENDED, BROKEN, COST = "#009e73", "#d55e00", "#4d4d4d"
ROW, WIDTH = 0.34, 12.8  # inches
SMALLEST = 0.022  # share of the axis from which on a part has its number in it


class SystemBar(NamedTuple):
    """The errors of a detector.

    Attributes
    ----------
    name : str
    ap : float
        AP50.
    objects : int
        All objects.
    causes : mapping of str to int
        Missed objects by the cause.
    costs : mapping of str to float
        By how much AP50 rises without a kind of error.
    change : (int, int), optional
        Objects that it finds and the detector before it missed, and the other way round.
    """

    name: str
    ap: float
    objects: int
    causes: Mapping[str, int]
    costs: Mapping[str, float]
    change: tuple[int, int] | None = None


def draw_error_comparison(
    bars: Sequence[SystemBar], groups: Mapping[str, Sequence[str]], *, title: str, subtitle: str = ""
) -> Figure:
    """Draw missed objects stacked by cause, what each detector mends and breaks, and what each kind of error costs.

    Parameters
    ----------
    bars : sequence of SystemBar
        One or more, in their order from above.
    groups : mapping of str to sequence of str
        Causes by the name of their group; a group has one color.
    title, subtitle : str

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are no bars, or a cause is in no group.

    Examples
    --------
    >>> from minivision.viz import draw_error_comparison
    >>> from minivision.viz.error_comparison import SystemBar
    >>> groups = {"no candidate": ["no proposal"], "not recognized": ["background"]}
    >>> one = SystemBar("fast-rcnn", 0.73, 40, {"no proposal": 8, "background": 4}, {"missed": 0.1})
    >>> two = SystemBar("faster-rcnn", 0.82, 40, {"no proposal": 3}, {"missed": 0.08}, change=(9, 0))
    >>> figure = draw_error_comparison([one, two], groups, title="Misses")
    >>> figure.alt
    'Misses: fast-rcnn 12 of 40 (no proposal 8, background 4), faster-rcnn 3 of 40 (no proposal 3)'
    """
    from minivision.viz.figure import Figure

    known = {cause for causes in groups.values() for cause in causes}
    if not bars:
        raise ValueError("bars: there is nothing to draw")
    if strange := {cause for bar in bars for cause in bar.causes} - known:
        raise ValueError(f"groups: no group has {', '.join(map(repr, sorted(strange)))}")
    block = ROW * len(bars)
    legend = 0.3 + 0.17 * max(len([c for c in causes if _occurs(bars, c)]) for causes in groups.values())
    height = 1.15 + block + 0.5 + legend + 0.6 + block + 0.3
    figure = Figure(figsize=(WIDTH, height), dpi=144, facecolor="white")
    figure.text(0.16 / WIDTH, 1 - 0.16 / height, title, size=15, weight="bold", color=INK, va="top")
    figure.text(0.16 / WIDTH, 1 - 0.5 / height, subtitle, size=10, color=FAINT, va="top")
    names = 0.35 + 0.085 * max(len(bar.name) for bar in bars)

    def place(left, top, width, tall):  # inches
        return figure.add_axes((left / WIDTH, 1 - (top + tall) / height, width / WIDTH, tall / height))

    changed = any(bar.change for bar in bars)
    right = 3.0 if changed else 0.0
    wide = WIDTH - names - right - 0.7
    colors = _colors(groups)
    misses = place(names, 1.15, wide, block)
    _draw_misses(misses, bars, groups, colors)
    if changed:
        _draw_changes(place(names + wide + 0.5, 1.15, right - 0.05, block), bars)
    _draw_legends(figure, bars, groups, colors, names / WIDTH, 1 - (1.15 + block + 0.3) / height)
    kinds = list(dict.fromkeys(kind for bar in bars for kind in bar.costs))
    top, each = 1.15 + block + 0.5 + legend + 0.6, (WIDTH - names - 0.3) / (len(kinds) + 1)
    panels = {"AP50": [bar.ap for bar in bars], **{kind: [bar.costs[kind] for bar in bars] for kind in kinds}}
    most = max((v for kind in kinds for v in panels[kind] if math.isfinite(v)), default=0) or 0.01
    for k, (name, values) in enumerate(panels.items()):
        axis = place(names + k * each, top, each - 0.2, block)
        _draw_costs(axis, values, name, INK if k == 0 else COST, 1 if k == 0 else most)
        _name_rows(axis, bars if k == 0 else ())
    heading = "AP50 gained if errors of one kind are repaired (dAP)"
    figure.text((names + each) / WIDTH, 1 - (top - 0.5) / height, heading, size=10, weight="bold", color=INK)
    _name_rows(misses, bars)
    figure.alt = f"{title}: " + ", ".join(map(_in_words, bars))
    return figure


def _in_words(bar):
    """Return how many objects a detector misses, and by which causes."""
    causes = listed(f"{cause} {number}" for cause, number in bar.causes.items() if number)
    return f"{bar.name} {sum(bar.causes.values())} of {bar.objects}" + (f" ({causes})" if causes else "")


def _colors(groups):
    """Return a color for each cause."""
    from matplotlib.colors import to_rgb

    colors = {}
    for hue, causes in zip(HUES * len(groups), groups.values(), strict=False):
        for k, cause in enumerate(causes):
            white = SHADES[k % len(SHADES)]
            colors[cause] = tuple(part + white * (1 - part) for part in to_rgb(hue))
    return colors


def _draw_misses(axis, bars, groups, colors):
    """Draw the missed objects of each detector, stacked by cause in the order of the groups."""
    most = max(sum(bar.causes.values()) for bar in bars) or 1
    for row, bar in enumerate(bars):
        start = 0
        for cause in (cause for causes in groups.values() for cause in causes):
            number = bar.causes.get(cause, 0)
            if not number:
                continue
            axis.barh(row, number, left=start, height=0.7, color=colors[cause], edgecolor="white", linewidth=0.6)
            if number >= SMALLEST * most * 1.3:
                dark = sum(colors[cause]) < 1.75
                axis.text(start + number / 2, row, str(number), ha="center", va="center", size=8.5,
                          color="white" if dark else INK)  # fmt: skip
            start += number
        share = f" ({start / bar.objects:.0%})" if bar.objects else ""
        axis.annotate(f"{start} of {bar.objects}{share}", (start, row), xytext=(5, 0), textcoords="offset points",
                      va="center", size=9, color=INK)  # fmt: skip
    axis.set_xlim(0, 1.16 * most)
    _dress(axis, len(bars), "objects that are not found, by the step that lost them")


def _draw_changes(axis, bars):
    """Draw how many objects a detector finds that the one before missed, to the right, and the other way round."""
    most = max((max(bar.change) for bar in bars if bar.change), default=0) or 1
    for row, bar in enumerate(bars):
        if bar.change is None:
            continue
        for number, sign, color in zip(bar.change, (1, -1), (MENDED, BROKEN), strict=True):
            axis.barh(row, sign * number, height=0.7, color=color, linewidth=0)
            axis.annotate(str(number), (sign * number, row), xytext=(4 * sign, 0), textcoords="offset points",
                          va="center", ha="left" if sign > 0 else "right", size=9, color=INK)  # fmt: skip
    axis.axvline(0, color=FAINT, linewidth=0.8)
    axis.set_xlim(-1.35 * most, 1.35 * most)
    _dress(axis, len(bars), "")
    axis.spines["left"].set_visible(False)  # 0 is in the middle
    for x, text, ha, color in ((0.47, "newly missed", "right", BROKEN), (0.53, "newly found", "left", MENDED)):
        axis.annotate(text, (x, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points", ha=ha, size=10,
                      weight="bold", color=color)  # fmt: skip
    axis.annotate("compared with the system above", (0.5, 0), xycoords="axes fraction", xytext=(0, -6),
                  textcoords="offset points", ha="center", va="top", size=8.5, color=FAINT)  # fmt: skip


def _draw_legends(figure, bars, groups, colors, left, top):
    """Write the causes that occur below the bars, a column for each group."""
    from matplotlib.patches import Patch

    shown = {group: [c for c in causes if _occurs(bars, c)] for group, causes in groups.items()}
    shown = {group: causes for group, causes in shown.items() if causes}
    for k, (group, causes) in enumerate(shown.items()):
        legend = figure.legend(
            handles=[Patch(color=colors[cause], label=cause) for cause in causes], title=group, loc="upper left",
            bbox_to_anchor=(left + k * (0.98 - left) / len(shown), top), frameon=False, fontsize=9, title_fontsize=9,
            alignment="left", labelcolor=INK, handlelength=1, handleheight=1, borderaxespad=0, labelspacing=0.25,
        )  # fmt: skip
        legend.get_title().set(weight="bold", color=INK)


def _occurs(bars, cause):
    return any(bar.causes.get(cause, 0) for bar in bars)


def _draw_costs(axis, values, name, color, most):
    for row, value in enumerate(values):
        if not math.isfinite(value):
            continue
        axis.barh(row, value, height=0.7, color=color, linewidth=0)
        axis.annotate(f"{value:.3f}", (value, row), xytext=(4, 0), textcoords="offset points", va="center", size=8.5,
                      color=INK)  # fmt: skip
    axis.set_xlim(0, 1.5 * most)
    _dress(axis, len(values), name)


def _name_rows(axis, bars):
    axis.set_yticks(range(len(bars)), [bar.name for bar in bars])
    axis.tick_params(axis="y", length=0, labelsize=10, labelcolor=INK)


def _dress(axis, rows, title):
    axis.set_ylim(rows - 0.5, -0.5)
    axis.set_yticks([])
    axis.set_xticks([])
    if title:
        axis.annotate(title, (0, 1), xycoords="axes fraction", xytext=(0, 8), textcoords="offset points", size=10,
                      weight="bold" if rows and title[0] == "o" else "normal", color=INK)  # fmt: skip
    axis.grid(axis="x", color=GRID)
    for side, spine in axis.spines.items():
        spine.set_visible(side == "left")
        spine.set_color(FAINT)
