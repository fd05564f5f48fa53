"""Pictures of selective search: the regions of an image as they grow, the boxes around them, and their recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision import ops
from minivision.core.types import Array
from minivision.viz.boxes import cell_size, draw_box, show_image
from minivision.viz.colors import GREEN, ORANGE, VERMILION
from minivision.viz.curves import LIGHT, dress
from minivision.viz.grid import make_grid
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.data.instances import Instances
    from minivision.detection.selective_search.hierarchy import Hierarchy
    from minivision.viz.figure import Figure

SIDE = 3.0  # inches of a picture's longer side
FEW = 8  # regions of which the boxes are drawn too
INK, PAPER = "#1a1a1a", "#ffffff"


def draw_hierarchy(image: Array, hierarchy: Hierarchy, *, stages: int = 7) -> Figure:
    """Draw the regions of an image while they are merged: each in its mean color, and with its box where few are left.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    hierarchy : Hierarchy
        As :func:`minivision.detection.region_hierarchy` returns it.
    stages : int
        How many to show at most, from the first regions to the last two; their numbers fall by a constant factor.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Scenes
    >>> from minivision.detection import region_hierarchy
    >>> from minivision.viz import draw_hierarchy
    >>> image = Scenes("easy", "val")[0].image
    >>> figure = draw_hierarchy(image, region_hierarchy(image))
    >>> figure.alt
    'An image, and its regions in their mean colors while they are merged: 34, 21, 13, 8, 5, 3, 2 regions'
    """
    initial = len(hierarchy.children) + 1
    shown = sorted({round(count) for count in np.geomspace(initial, min(2, initial), stages)}, reverse=True)
    columns = min(4, len(shown) + 1)
    rows = -(-(len(shown) + 1) // columns)
    figure, axes = make_grid(rows, [""] * columns, cell=cell_size(image, SIDE))
    _make_room_for_titles(figure, rows)
    axes = axes.ravel()
    _show(axes[0], image, "the image", faded=False)
    for axis, count in zip(axes[1:], shown, strict=False):
        regions = hierarchy.after(initial - count)
        _show(axis, in_mean_colors(image, regions), "1 region" if count == 1 else f"{count} regions", faded=False)
        if 1 < count <= FEW:
            for region in np.unique(regions):
                draw_box(axis, hierarchy.boxes[region], ORANGE, 1.2)
    figure.alt = f"An image, and its regions in their mean colors while they are merged: {listed(shown)} regions"
    return figure


def draw_best_proposals(
    image: Array, boxes: Array, instances: Instances | None = None, *, max_boxes: int = 50
) -> Figure:
    """Draw the first proposals over an image and, if objects are given, the best box for each object.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    boxes : ndarray of shape (K, 4)
        The most promising first.
    instances : Instances, optional
        The ground-truth objects. If given, a second picture shows them, each with the box of the highest IoU: green
        where that is .5 or more.
    max_boxes : int
        How many boxes the first picture shows; better ones are drawn over others, and darker.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import selective_search
    >>> from minivision.viz import draw_best_proposals
    >>> sample = Scenes("easy", "val")[0]
    >>> figure = draw_best_proposals(sample.image, selective_search(sample.image), sample.instances)
    >>> figure.alt
    'An image with boxes: the first 50 of 364 boxes, 6 of 6 objects covered'
    """
    figure, axes = make_grid(1, [""] * (1 if instances is None else 2), cell=cell_size(image, 1.5 * SIDE))
    _make_room_for_titles(figure, 1)
    first = boxes[:max_boxes]
    _show(axes[0, 0], image, f"the first {len(first)} of {len(boxes)} boxes")
    for k in reversed(range(len(first))):
        draw_box(axes[0, 0], first[k], VERMILION, 1.2, alpha=1 - 0.75 * k / len(first))
    if instances is not None:
        _draw_best_fits(axes[0, 1], image, boxes, instances.boxes[~instances.crowd])
    figure.alt = f"An image with boxes: {listed(axis.get_title() for axis in axes[0])}"
    return figure


def draw_proposal_recall(curves: dict[str, Array], *, mark: Sequence[int] = ()) -> Figure:
    """Draw the share of objects covered over the number of boxes per image.

    Parameters
    ----------
    curves : dict of str to (n,) array
        By name: as :func:`minivision.metrics.proposal_recall` returns them.
    mark : sequence of int
        Numbers of boxes at which to draw a line.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import selective_search
    >>> from minivision.metrics import proposal_recall
    >>> from minivision.viz import draw_proposal_recall
    >>> samples = [Scenes("easy", "val")[k] for k in range(4)]
    >>> truths, boxes = [s.instances for s in samples], [selective_search(s.image) for s in samples]
    >>> figure = draw_proposal_recall({"selective search": proposal_recall(truths, boxes)})
    >>> figure.alt
    'Curves: the share of objects covered, over the number of boxes; selective search 1.000 with 405'
    """
    from minivision.viz.figure import Figure

    figure = Figure(figsize=(7.2, 4.0), dpi=144, facecolor=LIGHT["paper"], layout="constrained")
    axis = figure.subplots()
    for (name, recall), color in zip(curves.items(), LIGHT["lines"] * len(curves), strict=False):
        if len(recall):
            axis.plot(
                np.arange(1, len(recall) + 1), recall, color=color, linewidth=1.8, label=f"{name}  {recall[-1]:.3f}"
            )
    for count in mark:
        axis.axvline(count, color="0.6", linewidth=0.8, linestyle=":")
    axis.set(xscale="log", xlim=(1, None), ylim=(0, 1.02))
    axis.xaxis.set_major_formatter(lambda value, position: f"{value:,.0f}")
    axis.set_xlabel("boxes for an image", color=LIGHT["ink"])
    axis.set_ylabel("objects covered, IoU .5 or more", color=LIGHT["ink"])
    dress(axis, LIGHT)
    axis.legend(frameon=False, fontsize=9, labelcolor=LIGHT["ink"], loc="upper left")
    ends = listed(f"{name} {recall[-1]:.3f} with {len(recall)}" for name, recall in curves.items() if len(recall))
    figure.alt = f"Curves: the share of objects covered, over the number of boxes; {ends}"
    return figure


def in_mean_colors(image: Array, regions: Array) -> Array:
    """Return an image with every region in its mean color and thinly outlined, uint8.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    regions : integer ndarray of shape (H, W)
    """
    count = int(regions.max()) + 1
    pixels = np.maximum(np.bincount(regions.ravel(), minlength=count), 1)
    sums = [np.bincount(regions.ravel(), image[..., c].ravel(), count) for c in range(3)]
    picture = (np.stack(sums, axis=1) / pixels[:, None])[regions]
    border = np.zeros(regions.shape, bool)
    border[:, 1:] |= regions[:, 1:] != regions[:, :-1]
    border[1:] |= regions[1:] != regions[:-1]
    picture[border] = 255
    return picture.astype(np.uint8)


def _draw_best_fits(axis, image, boxes, objects):
    overlaps = ops.box_iou(np.asarray(objects, np.float32), np.asarray(boxes, np.float32))
    covered = 0
    show_image(axis, image)
    for k, box in enumerate(objects):
        draw_box(axis, box, PAPER, 3.0)
        draw_box(axis, box, INK, 1.4)
        if len(boxes):
            best = overlaps[k].argmax()
            covered += overlaps[k, best] >= 0.5
            draw_box(axis, boxes[best], GREEN if overlaps[k, best] >= 0.5 else VERMILION, 1.8)
    axis.set_title(f"{covered} of {len(objects)} objects covered", fontsize=10, color="0.2", pad=5)


def _make_room_for_titles(figure, rows):
    """Every row of pictures has titles of its own."""
    width, height = figure.get_size_inches()
    room = 0.3 * rows
    figure.set_size_inches(width, height + room)
    figure.subplots_adjust(top=1 - 0.3 / (height + room), hspace=0.3 / (height / rows))


def _show(axis, image, title, *, faded=True):
    show_image(axis, image, faded=faded)
    axis.set_title(title, fontsize=10, color="0.2", pad=5)
