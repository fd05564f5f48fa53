"""The picture of a growth: time and memory of each step over each size, on logarithmic axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minivision.bench.growth import BASES, MEGABYTE, Measured, curves
from minivision.bench.growth_point import OURS, TORCH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTITIES = (("milliseconds", "ms", 1.0), ("process_bytes", "MB", MEGABYTE))  # field, unit, how many make one unit
NAMES = {OURS: "minivision", TORCH: "PyTorch"}
MARKERS = {OURS: "o", TORCH: "s"}  # so that they differ in black and white too
PANEL = (2.9, 2.3)  # inches


def draw(measured: Measured) -> Figure:
    """Draw a row of panels for each step and each quantity, and a panel for each size that grows.

    Dashed is growth in proportion, from our smallest point on: to the batch, to the square of the side, and to the
    channels, of which a convolution takes time in proportion to the square.
    """
    from minivision.viz.curves import LIGHT, dress
    from minivision.viz.figure import Figure

    steps = list(dict.fromkeys(point.step for point in measured))
    panels = {
        (step, axis, quantity): found
        for quantity, _, _ in QUANTITIES
        for step, axis, found in curves(measured, quantity)
    }
    rows = [(step, *quantity) for step in steps for quantity in QUANTITIES]
    columns = list(dict.fromkeys(axis for _, axis, _ in panels))
    figure = Figure(figsize=(PANEL[0] * len(columns) + 0.4, PANEL[1] * len(rows) + 0.5), dpi=144,
                    facecolor=LIGHT["paper"], layout="constrained")  # fmt: skip
    axes = figure.subplots(len(rows), len(columns), squeeze=False)
    for row, (step, quantity, unit, one) in enumerate(rows):
        for column, axis in enumerate(columns):
            panel = axes[row, column]
            found = panels.get((step, axis, quantity))
            if not found:
                panel.set_axis_off()
                continue
            _draw_panel(panel, _power(axis, quantity), found, one, LIGHT)
            dress(panel, LIGHT)
            title = f"{step}: {'time' if unit == 'ms' else 'memory'}, {unit}"
            panel.set_title(title, fontsize=9, loc="left", color=LIGHT["ink"])
            fixed = ", ".join(f"{name} {size}" for name, size in BASES[step].items() if size and name != axis)
            panel.set_xlabel(f"{axis}  ({fixed})", fontsize=8, color=LIGHT["ink"])
    drawn = [panel for panel in axes.flat if panel.lines]
    if drawn:
        drawn[0].legend(frameon=False, fontsize=8, labelcolor=LIGHT["ink"])
    return figure


def _power(axis, quantity):
    """Return the power of a size to which a quantity is in proportion."""
    return 2 if axis == "side" or (axis == "channels" and quantity == "milliseconds") else 1


def _draw_panel(panel, power, found, one, theme):
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for library, values in found.items():
        sizes, numbers = zip(*values, strict=True)
        color = theme["lines"][list(NAMES).index(library)]
        panel.plot(sizes, [number / one for number in numbers], color=color, marker=MARKERS[library], markersize=4,
                   linewidth=1.6, label=NAMES[library])  # fmt: skip
    sizes, numbers = zip(*next(iter(found.values())), strict=True)
    proportion = [numbers[0] / one * (size / sizes[0]) ** power for size in sizes]
    panel.plot(sizes, proportion, color=theme["ink"], linewidth=0.8, linestyle="--", label="in proportion", zorder=1)
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.set_xticks(sizes)
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    for ticks in (panel.xaxis, panel.yaxis):
        ticks.set_major_formatter(plain)
        ticks.set_minor_formatter(NullFormatter())


def description(measured: Measured) -> str:
    """Return what the picture shows, for people who cannot see it; it is kept in the file."""
    sentences = []
    for quantity, unit, one in QUANTITIES:
        for step, axis, found in curves(measured, quantity):
            for library, values in found.items():
                (first, before), (last, after) = values[0], values[-1]
                sentences.append(
                    f"{NAMES[library]}, {step}: {before / one:.3g} {unit} at {axis} {first}, "
                    f"{after / one:.3g} {unit} at {axis} {last}."
                )
    return "Time and memory of a step over its sizes. " + " ".join(sentences)
