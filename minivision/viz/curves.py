"""Loss curves: the loss of every step as a faint line, and a smoothed line over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.viz.words import listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minivision.viz.figure import Figure

FACTS = ("step", "loss", "rate", "gradient_norm", "seconds")  # in a log entry, besides the losses by name
# The lines' colors are mostly Okabe and Ito's, those that differ most first: dark ones on white, light ones on black.
LIGHT: dict[str, Any] = {
    "paper": "#ffffff", "ink": "#333333", "grid": "#e4e4e4",
    "lines": ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#4d4d4d", "#56b4e9", "#6a3d9a"),
}  # fmt: skip
DARK: dict[str, Any] = {
    "paper": "#16181d", "ink": "#c9ccd3", "grid": "#2c2f37",
    "lines": ("#56b4e9", "#e69f00", "#2fc49a", "#e59cc6", "#f0e442", "#ffffff", "#9a6cff"),
}  # fmt: skip


def draw_loss_curve(log: Sequence[dict[str, Any]], *, dark: bool = False) -> Figure:
    """Draw the losses of a training run over its steps.

    The axis is logarithmic where the smoothed losses range over more than a factor of five.

    Parameters
    ----------
    log : list of dict
        As ``TrainingResult.log`` and :func:`minivision.training.read_log` give it.
    dark : bool
        Whether to draw on a dark background.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.viz import draw_loss_curve
    >>> losses = [{"step": k, "class": 2 / (1 + k / 20), "box": 1 / (1 + k / 40)} for k in range(1, 201)]
    >>> figure = draw_loss_curve([{**each, "loss": each["class"] + each["box"]} for each in losses])
    >>> figure.alt
    'Losses over 200 steps, smoothed: loss 2.72 to 0.351, class 1.78 to 0.183, box 0.942 to 0.168'
    """
    from matplotlib.ticker import MaxNLocator

    from minivision.viz.figure import Figure

    theme = DARK if dark else LIGHT
    figure = Figure(figsize=(7.2, 3.8), dpi=144, facecolor=theme["paper"], layout="constrained")
    axis = figure.subplots()
    steps = np.array([entry["step"] for entry in log])
    curves = {name: np.array([entry[name] for entry in log]) for name in _loss_names(log)}
    smoothed = {name: smooth(curve) for name, curve in curves.items()}
    marker = "o" if len(log) == 1 else None  # a line needs two points
    for (name, curve), color in zip(curves.items(), theme["lines"] * len(curves), strict=False):
        axis.plot(steps, curve, color=color, alpha=0.25, linewidth=0.8)
        axis.plot(steps, smoothed[name], color=color, linewidth=1.8, label=name.replace("_", " "), marker=marker)
    _scale(axis, np.concatenate([*smoothed.values(), np.zeros(0)]))
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("step", color=theme["ink"])
    axis.set_ylabel("loss", color=theme["ink"])
    axis.set_xlim(0, 1.01 * steps[-1] if len(steps) else 1)
    dress(axis, theme)
    if curves:
        axis.legend(
            frameon=False,
            labelcolor=theme["ink"],
            fontsize=9,
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=6,
            borderaxespad=0.2,
        )  # above the curves, which may be anywhere
    falls = listed(f"{name} {curve[0]:.3g} to {curve[-1]:.3g}" for name, curve in smoothed.items() if len(curve))
    figure.alt = f"Losses over {len(log)} steps, smoothed: {falls}"
    return figure


def save_loss_curve(log: Sequence[dict[str, Any]], path: Path | str, *, dark: bool = False) -> None:
    """Write :func:`draw_loss_curve` to an image file."""
    draw_loss_curve(log, dark=dark).savefig(path)


def smooth(curve: Array) -> Array:
    """Return the running mean over about a thirtieth of the steps, centered; the ends have half of that."""
    if len(curve) == 0:
        return np.zeros(0)
    width = len(curve) // 30
    kernel = np.ones(2 * (width // 2) + 1)
    return np.convolve(curve, kernel, "same") / np.convolve(np.ones(len(curve)), kernel, "same")


def _scale(axis, values):
    """Choose a logarithmic axis for losses that fell far, else one that begins at 0."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if values.size and values.min() > 0 and values.max() > 5 * values.min():
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, position: f"{value:g}"))
        axis.yaxis.set_minor_formatter(NullFormatter())
    elif values.size:
        axis.set_ylim(min(0, values.min()), 1.25 * values.max() if values.max() > 0 else None)


def _loss_names(log):
    """Return what to draw: the losses by name, and their sum where there are several."""
    names = [name for name in (log[0] if log else ()) if name not in FACTS]
    return names if len(names) == 1 else ["loss", *names] if log else []


def dress(axis: Axes, theme: dict[str, Any]) -> None:
    """Give an axis the colors of a theme: its background, grid, ticks and baseline."""
    axis.set_facecolor(theme["paper"])
    axis.grid(color=theme["grid"], linewidth=0.8)
    axis.set_axisbelow(True)
    axis.tick_params(which="both", colors=theme["ink"], length=0, labelsize=9)
    for side, spine in axis.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(theme["ink"])
