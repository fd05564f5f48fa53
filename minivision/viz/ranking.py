"""How average precision comes about: detections of one class ranked by score, precision over recall, interpolation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.types import Array
from minivision.data.instances import Instances
from minivision.metrics.errors.matching import CORRECT, IGNORED, image_errors
from minivision.metrics.precision_recall import interpolate, precision_recall
from minivision.viz.boxes import draw_box
from minivision.viz.curves import LIGHT, dress
from minivision.viz.words import listed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TRUTH, TRUE, FALSE, IGNORE = "#333333", "#009e73", "#d55e00", "#999999"
MAX_ROWS = 20  # detections in the table


def draw_ranked_detections(
    truth: Instances, prediction: Instances, *, iou: float = 0.5, names: Sequence[str] = ()
) -> Figure:
    """Draw detections of one class in one image, and the table of their ranking: true or false, precision, recall.

    Parameters
    ----------
    truth : Instances
        Dashed boxes.
    prediction : Instances
        With scores; numbered by their rank. Green ones found an object, red ones did not.
    iou : float
        From which IoU on an object is found.
    names : sequence of str
        Of the objects, such as ``"ABC"``; they are written into them.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there are several classes, no scores, nothing detected, or more than 20 detections.

    Examples
    --------
    >>> from minivision.data import Instances
    >>> from minivision.viz import draw_ranked_detections
    >>> truth = Instances([[0, 0, 10, 10], [20, 0, 30, 10]], [1, 1])
    >>> found = Instances([[0, 1, 10, 11], [21, 0, 30, 10], [1, 0, 11, 10]], [1, 1, 1], scores=[0.9, 0.5, 0.7])
    >>> figure = draw_ranked_detections(truth, found)
    >>> figure.alt
    '2 objects, 3 detections by rank: 1 true, 2 false, 3 true'
    """
    from minivision.viz.figure import Figure

    if len(set(truth.labels.tolist()) | set(prediction.labels.tolist())) > 1:
        raise ValueError("detections are ranked for each class alone; choose one, such as prediction[labels == 1]")
    if prediction.scores is None or not 1 <= len(prediction) <= MAX_ROWS:
        raise ValueError(f"prediction: expected 1 to {MAX_ROWS} detections with scores, got {len(prediction)}")
    outcome = image_errors(truth, prediction, "box", iou, 0.0, len(prediction))
    order = np.argsort(-outcome.scores, kind="stable")
    true, ignored = outcome.kinds[order] == CORRECT, outcome.kinds[order] == IGNORED
    recall, precision = precision_recall(true, ignored, max(int((~truth.crowd).sum()), 1))
    best = outcome.similarity[order].max(axis=1, initial=0)

    height = max(2.6, 0.8 + 0.3 * len(order))
    figure = Figure(figsize=(9.6, height), dpi=144, facecolor="white", layout="constrained")
    picture, table = figure.subplots(1, 2, width_ratios=(1, 1))
    for box in truth.boxes:
        draw_box(picture, box, TRUTH, 1.8, style="--")
    for box, name in zip(truth.boxes, names, strict=False):
        center = (box[:2] + box[2:]) / 2
        picture.text(*center, name, fontsize=12, weight="bold", color=TRUTH, ha="center", va="center")
    colors = np.where(ignored, IGNORE, np.where(true, TRUE, FALSE))
    for rank, (d, color) in enumerate(zip(order, colors, strict=True), start=1):
        draw_box(picture, prediction.boxes[d], color, 1.8)
        x, y = prediction.boxes[d, 0], prediction.boxes[d, 3 if rank % 2 == 0 else 1]
        picture.text(x, y, f" {rank} ", color="white", fontsize=8.5, va="center", ha="center",
                     bbox={"facecolor": color, "edgecolor": "none", "pad": 1.2})  # fmt: skip
    boxes = np.concatenate([truth.boxes, prediction.boxes])
    margin = 0.06 * (boxes.max() - boxes.min())
    picture.set(xlim=(boxes[:, 0::2].min() - margin, boxes[:, 0::2].max() + margin), aspect="equal")
    picture.set_ylim(boxes[:, 1::2].max() + margin, boxes[:, 1::2].min() - margin)
    picture.set_axis_off()
    picture.set_title("objects dashed, detections by their rank", fontsize=10, color=LIGHT["ink"], loc="left")

    words = np.where(ignored, "ignored", np.where(true, "true", "false"))
    found = np.cumsum(true), np.cumsum(~ignored)
    rows = [
        [f"{rank}", f"{outcome.scores[d]:.2f}", f"{best[k]:.2f}", words[k],
         f"{found[0][k]}/{found[1][k]} = {precision[k]:.2f}", f"{recall[k]:.2f}"]
        for rank, (k, d) in enumerate(enumerate(order), start=1)
    ]  # fmt: skip
    head = ["rank", "score", "best IoU", f"at {iou:g}", "precision", "recall"]
    _draw_table(table, head, rows, colors)
    ranks = listed(f"{rank} {word}" for rank, word in enumerate(words, start=1))
    figure.alt = f"{len(truth)} objects, {len(order)} detections by rank: {ranks}"
    return figure


def _draw_table(axis, head, rows, colors):
    """Write rows of text in columns; the fourth in the color of its row."""
    places = (0.0, 0.13, 0.27, 0.45, 0.62, 0.9)
    axis.set(xlim=(0, 1), ylim=(len(rows) + 0.5, -0.6))
    axis.set_axis_off()
    for x, name in zip(places, head, strict=True):
        axis.text(x, 0, name, fontsize=9.5, weight="bold", color=LIGHT["ink"], va="center")
    axis.plot([0, 1], [0.5, 0.5], color=LIGHT["ink"], linewidth=0.8)
    for line, (row, color) in enumerate(zip(rows, colors, strict=True), start=1):
        for k, (x, cell) in enumerate(zip(places, row, strict=True)):
            axis.text(x, line, cell, fontsize=9.5, color=color if k == 3 else LIGHT["ink"], va="center")


def draw_interpolation(recall: Array, precision: Array, points: Array) -> Figure:
    """Draw precision over recall, its interpolation, and the recalls at which average precision takes it.

    Parameters
    ----------
    recall, precision : ndarray of shape (n,)
        After each of n detections, as `precision_recall` returns them.
    points : ndarray of shape (R,)
        Recalls from 0 to 1, such as 11 or 101.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        If there is no detection.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.viz import draw_interpolation
    >>> figure = draw_interpolation([0.5, 0.5, 1.0], [1.0, 0.5, 2 / 3], np.linspace(0, 1, 11))
    >>> figure.alt
    'Precision over recall after each of 3 detections, its interpolation, and its value at 11 recalls: 0.85 on average'
    """
    from minivision.viz.figure import Figure

    recall, precision, points = (np.asarray(each, np.float64) for each in (recall, precision, points))
    if not len(recall) or recall.shape != precision.shape:
        raise ValueError(f"recall, precision: expected a value of each detection, got {len(recall)}, {len(precision)}")
    best = interpolate(precision)
    taken = np.append(best, 0.0)[np.searchsorted(recall, points)]
    figure = Figure(figsize=(6.4, 3.6), dpi=144, facecolor="white", layout="constrained")
    axis = figure.subplots()
    blue, orange, gray = "#0072b2", "#e69f00", "#777777"
    steps = np.concatenate([[0], recall, recall[-1:]])
    axis.plot(recall, precision, color=gray, linewidth=1, marker="o", markersize=5, label="after each detection")
    axis.fill_between(steps, [*best[:1], *best, 0], color=blue, alpha=0.08, step="pre", linewidth=0)
    axis.step(steps, [*best[:1], *best, 0], color=blue, linewidth=1.8, label="interpolated: the best from here on")
    axis.scatter(
        points, taken, color=orange, s=160 / max(len(points), 8), zorder=3, label=f"taken at {len(points)} recalls"
    )
    for rank, (x, y) in enumerate(zip(recall, precision, strict=True), start=1):
        if len(recall) <= MAX_ROWS:
            axis.annotate(str(rank), (x, y), xytext=(5, -11), textcoords="offset points", fontsize=8.5, color=gray)
    axis.set(xlim=(-0.02, 1.02), ylim=(0, 1.08))
    axis.set_xlabel("recall", color=LIGHT["ink"])
    axis.set_ylabel("precision", color=LIGHT["ink"])
    dress(axis, LIGHT)
    axis.legend(loc="lower left", frameon=False, fontsize=9, labelcolor=LIGHT["ink"])
    axis.set_title(f"the mean of the {len(points)} is {taken.mean():.3f}", fontsize=10, color=LIGHT["ink"], loc="left")
    figure.alt = (
        f"Precision over recall after each of {len(recall)} detections, its interpolation, and its value at "
        f"{len(points)} recalls: {taken.mean():.2f} on average"
    )
    return figure
