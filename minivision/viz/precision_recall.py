"""Precision over recall, a line for each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.metrics.precision_recall import interpolate
from minivision.viz.colors import class_colors
from minivision.viz.curves import LIGHT, dress
from minivision.viz.grid import legend_name
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.metrics.average_precision import AveragePrecision
    from minivision.viz.figure import Figure

MAX_CLASSES = 12  # classes in one picture


def draw_precision_recall(
    result: AveragePrecision, *, iou: float | None = None, classes: Sequence[str] | None = None
) -> Figure:
    """Draw the precision of every class over its recall.

    The faint line is what each detection led to, from the best score on the left to the worst. The strong one is that
    precision interpolated: what average precision is the mean of. It falls to 0 at the recall that all detections
    together reach.

    Parameters
    ----------
    result : minivision.metrics.AveragePrecision
    iou : float, optional
        Which of the thresholds of the overlap to show; the lowest by default.
    classes : sequence of str, optional
        Names of those to draw. By default all that occur in the truth; where there are more than 12, the six of the
        best and the six of the worst average precision.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        When the result has no curves for this threshold or for one of the classes.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Scenes
    >>> from minivision.metrics import average_precision
    >>> from minivision.viz import draw_precision_recall
    >>> rng, scenes = np.random.default_rng(0), Scenes("easy", "val", classes=["disc", "star"])
    >>> truths = [scenes[k].instances for k in range(12)]
    >>> moved = [t.replace(boxes=t.boxes + rng.integers(-9, 9, t.boxes.shape)) for t in truths]
    >>> found = [t.replace(scores=rng.random(len(t))) for t in moved]
    >>> figure = draw_precision_recall(average_precision(truths, found, scenes.classes))
    >>> figure.alt
    'Precision over recall. AP50 (COCO, 101 points, boxes), mean over classes 0.651: disc 0.520, star 0.781'
    """
    from minivision.viz.figure import Figure

    figure = Figure(figsize=(7.2, 4.2), dpi=144, facecolor=LIGHT["paper"], layout="constrained")
    axis = figure.subplots()
    curves, iou = _at_threshold(result.curves, iou)
    shown = _choose(curves, classes)
    colors = dict(zip(result.by_class, class_colors(len(result.by_class) + 1)[1:] / 255, strict=True))
    for name in shown:
        curve, color = curves[name], 0.85 * colors[name]  # darker than on photographs: yellow hardly shows on white
        axis.plot(curve.recall, curve.precision, color=color, linewidth=0.8, alpha=0.4)
        best = interpolate(curve.precision)
        recall = np.concatenate([[0], curve.recall, curve.recall[-1:]])
        label = legend_name(f"{name}  {curve.average:.3f}")
        axis.step(recall, [*best[:1], *best, 0], color=color, linewidth=1.8, label=label)
    axis.set(xlim=(0, 1.01), ylim=(0, 1.02))
    axis.set_xlabel("recall", color=LIGHT["ink"])
    axis.set_ylabel("precision", color=LIGHT["ink"])
    dress(axis, LIGHT)
    title = f"{result.protocol}: there is nothing to be found"
    if curves:
        mean = np.mean([curve.average for curve in curves.values()])
        title = f"AP{100 * iou:g} ({result.protocol}), mean over classes {mean:.3f}"
        head = f"{len(shown)} of {len(curves)} classes" if len(shown) < len(curves) else None
        figure.legend(
            title=head, loc="outside right upper", frameon=False, fontsize=9, title_fontsize=9,
            labelcolor=LIGHT["ink"], alignment="left",
        )  # fmt: skip
    axis.set_title(title, fontsize=10, color=LIGHT["ink"], loc="left")
    averages = listed(f"{name} {curves[name].average:.3f}" for name in shown)
    figure.alt = f"Precision over recall. {title}: {averages}"
    return figure


def _at_threshold(curves, iou):
    """Return the curves of one threshold by class, and the threshold."""
    thresholds = sorted({threshold for of_class in curves.values() for threshold in of_class})
    if not thresholds:
        return {}, iou
    iou = thresholds[0] if iou is None else round(iou, 6)
    if iou not in thresholds:
        known = ", ".join(f"{threshold:g}" for threshold in thresholds)
        raise ValueError(f"iou: expected a threshold of the evaluation ({known}), got {iou:g}")
    return {name: of_class[iou] for name, of_class in curves.items()}, iou


def _choose(curves, classes):
    """Return the names of the classes to draw."""
    if classes is not None:
        unknown = [name for name in classes if name not in curves]
        if unknown:
            raise ValueError(f"classes: there is no curve for {', '.join(map(repr, unknown))}, only for {list(curves)}")
        return list(classes)
    if len(curves) <= MAX_CLASSES:
        return list(curves)
    ranked = sorted(curves, key=lambda name: -curves[name].average)
    return ranked[: MAX_CLASSES // 2] + ranked[-MAX_CLASSES // 2 :]
