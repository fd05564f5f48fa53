"""Objects with sentences as pictures: numbered boxes, and the sentences beside them, so that no text covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.viz.boxes import cell_size, draw_box, show_image
from minivision.viz.colors import COLORS, LUMINANCE
from minivision.viz.grid import legend_name, make_grid
from minivision.viz.words import listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from minivision.data.instances import Instances

PICTURE, CELL = 6.0, 2.6  # inches of a picture's longer side, alone and beside others
MAX_SENTENCES = 12  # the objects with the best scores; more cannot be read
LONGEST = 60  # characters of a sentence that are shown
INK, PAPER = "#1a1a1a", "#ffffff"


def draw_captions(image: Array, instances: Instances, *, title: str = "") -> Figure:
    """Draw numbered boxes over an image, and the sentences below it.

    The image keeps its colors, since sentences may speak of them.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    instances : Instances
        With captions, of which the first is shown. Of many objects those with the best scores are shown.
    title : str

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_captions
    >>> sample = Scenes("easy", "val", objects=2, captions=True)[1]
    >>> figure = draw_captions(sample.image, sample.instances)
    >>> figure.alt
    'An image with 2 numbered boxes: 1  a yellow person, 2  a blue person'
    """
    from matplotlib.patches import Patch

    shown = best_first(instances)
    entries = [Patch(color=_color(k), label=legend_name(line)) for k, line in enumerate(sentences(shown))]
    figure, axes = make_grid(1, [title], cell=cell_size(image, PICTURE), entries=entries)
    draw_numbered_boxes(axes[0, 0], image, shown.boxes, size=1.5)
    figure.alt = f"An image with {len(shown)} numbered boxes: {listed(sentences(shown))}"
    return figure


def draw_caption_comparison(
    images: Sequence[Array], truths: Sequence[Instances], predictions: Sequence[Instances]
) -> Figure:
    """Draw a row for each image: true boxes, their sentences, predicted boxes, theirs.

    Parameters
    ----------
    images : sequence of uint8 ndarray of shape (H, W, 3)
    truths, predictions : sequence of Instances
        With captions.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_caption_comparison
    >>> samples = [Scenes("easy", "val", captions=True)[k] for k in (1, 2)]
    >>> images, truths = [each.image for each in samples], [each.instances for each in samples]
    >>> figure = draw_caption_comparison(images, truths, [truth[:1] for truth in truths])
    >>> figure.alt
    '2 images: 7 true boxes and 2 predicted ones, each with its sentence'
    """
    titles = ["ground truth", "one true sentence each", "prediction", "its sentences"]
    figure, axes = make_grid(len(images), titles, cell=(CELL, CELL))
    for row, image, truth, prediction in zip(axes, images, truths, predictions, strict=True):
        for (picture, text), instances in zip((row[:2], row[2:]), (truth, prediction), strict=True):
            shown = best_first(instances)
            draw_numbered_boxes(picture, image, shown.boxes, size=1.0)
            _write(text, sentences(shown))
    true, said = (sum(map(len, each)) for each in (truths, predictions))
    figure.alt = f"{len(images)} images: {true} true boxes and {said} predicted ones, each with its sentence"
    return figure


def best_first(instances: Instances) -> Instances:
    """Return the objects with the best scores, the best first; without scores the first ones."""
    order = np.arange(len(instances))
    if instances.scores is not None:
        order = np.argsort(-instances.scores, kind="stable")
    return instances[order[:MAX_SENTENCES]]


def sentences(instances: Instances) -> list[str]:
    """Return a line for each object: its number and its first caption, cut if it is long."""
    captions = [("",)] * len(instances) if instances.captions is None else instances.captions
    lines = [f"{k}  {each[0] if each else ''}" for k, each in enumerate(captions, start=1)]
    return [line if len(line) <= LONGEST else line[: LONGEST - 1] + "…" for line in lines]


def draw_numbered_boxes(axis: Axes, image: Array, boxes: Array, *, size: float) -> None:
    """Draw boxes with their numbers, from 1, in a corner that is not taken by another number if there is one."""
    height, width = image.shape[:2]
    show_image(axis, image, faded=False)
    side = 0.065 * max(height, width) / size**0.5  # of a number's square, in pixels
    taken: list[tuple[float, float]] = []
    for k, box in enumerate(boxes):
        for linewidth, edge in ((3.2, INK), (1.7, _color(k))):  # a dark rim: every color shows everywhere
            draw_box(axis, box, edge, size * linewidth)
        x1, y1, x2, y2 = box
        corners = [(x1, y1), (x2 - side, y1), (x1, y2 - side), (x2 - side, y2 - side)]
        corners = [(min(max(x, 0), width - side), min(max(y, 0), height - side)) for x, y in corners]
        free = [c for c in corners if all(max(abs(c[0] - x), abs(c[1] - y)) >= side for x, y in taken)]
        x, y = (free or corners)[0]
        taken.append((x, y))
        axis.text(
            x + side / 2, y + side / 2, str(k + 1), ha="center", va="center", fontsize=size * 6.5,
            color=PAPER if np.array(_color(k)) @ LUMINANCE < 0.5 else INK, zorder=4,
            bbox={"boxstyle": "square,pad=0.2", "facecolor": _color(k), "edgecolor": INK, "linewidth": 0.5},
        )  # fmt: skip


def _color(k: int) -> Any:
    return COLORS[k % len(COLORS)]


def _write(axis, lines):
    """Write sentences into an empty place, each wrapped, in the colors of their boxes."""
    import textwrap

    axis.set(xlim=(0, 1), ylim=(0, 1))
    wrapped = [textwrap.wrap(line, 34, subsequent_indent="    ") for line in lines]
    step = min(0.08, 1 / max(sum(map(len, wrapped)), 1))
    y = 1 - step / 2
    for k, parts in enumerate(wrapped):
        axis.plot([0.02], [y], "s", color=_color(k), markersize=5, markeredgecolor=INK, markeredgewidth=0.4)
        for part in parts:
            axis.text(0.07, y, part, va="center", fontsize=min(7, 90 * step), color="0.15")
            y -= step
