"""Pictures of anchors, of their matches with objects, and of proposals before and after suppression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision import ops
from minivision.core.labels import IGNORED
from minivision.core.types import Array, Size
from minivision.detection.anchors.matching import best_ious, match_instances
from minivision.viz.boxes import cell_size, draw_box, show_image
from minivision.viz.colors import COLORS
from minivision.viz.curves import LIGHT, dress
from minivision.viz.grid import make_grid
from minivision.viz.words import legend_labels, listed

if TYPE_CHECKING:
    from minivision.data.instances import Instances
    from minivision.viz.figure import Figure

SIDE = 4.4  # inches of a picture's longer side
MARGIN = 0.06  # of the image, on each side: anchors reach out
INK = "#1a1a1a"
RPN_THRESHOLDS = {"fg_iou_thresh": 0.7, "bg_iou_thresh": 0.3}  # the thresholds of the region proposal network
MAX_IMAGES = 1000  # images whose objects are drawn; more add nothing new


def draw_anchors(image: Array, anchors: Array, place: tuple[int, int], *, map_size: Size) -> Figure:
    """Draw the anchors of one place of the feature map, and the places where all others stand as dots.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    anchors : ndarray of shape (rows * columns * A, 4)
        As ``anchor_grid`` returns them.
    place : (int, int)
        Row and column on the map.
    map_size : (int, int)
        Rows and columns of the map.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import anchor_grid
    >>> from minivision.viz import draw_anchors
    >>> anchors = anchor_grid((16, 16), 8, sizes=(24, 48), ratios=(0.5, 1, 2))
    >>> figure = draw_anchors(Scenes("easy", "val")[0].image, anchors, (8, 8), map_size=(16, 16))
    >>> figure.alt
    'An image under 16 x 16 dots, and the 6 boxes around the dot (8, 8)'
    """
    rows, columns = map_size
    if not (0 <= place[0] < rows and 0 <= place[1] < columns):
        raise ValueError(f"place: expected a row below {rows} and a column below {columns}, got {tuple(place)}")
    if len(anchors) == 0 or len(anchors) % (rows * columns):
        raise ValueError(f"anchors: {len(anchors)} boxes are not the same number for each of {rows} x {columns} places")
    boxes = anchors.reshape(rows, columns, -1, 4)
    shapes = boxes.shape[2]
    figure, axis = _picture(image, f"the {shapes} anchors of place {tuple(place)}, of {len(anchors)}")
    x, y = (boxes[:, :, 0, :2] + boxes[:, :, 0, 2:]).reshape(-1, 2).T / 2
    axis.plot(x, y, ".", color=COLORS[0], markersize=2)
    for k, box in enumerate(boxes[place[0], place[1]]):
        draw_box(axis, box, COLORS[k % len(COLORS)], 1.6)
    figure.alt = f"An image under {rows} x {columns} dots, and the {shapes} boxes around the dot {tuple(place)}"
    return figure


def draw_anchor_matches(
    image: Array, anchors: Array, instances: Instances, *, thresholds: dict[str, Any] = RPN_THRESHOLDS
) -> Figure:
    """Draw the objects of an image and, in the same color, the anchors matched with them.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    anchors : ndarray of shape (A, 4)
    instances : Instances
        The ground-truth objects; crowds are dashed: no anchor is matched with them.
    thresholds : dict
        ``fg_iou_thresh``, ``bg_iou_thresh`` and perhaps ``allow_low_quality_matches``, as in
        :func:`minivision.detection.match`.

    Returns
    -------
    matplotlib Figure
        The title tells how many anchors each object has, in the order of `instances`, and how many are ignored.

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import anchor_grid
    >>> from minivision.viz import draw_anchor_matches
    >>> sample = Scenes("easy", "val", objects=2)[0]
    >>> anchors = anchor_grid((16, 16), 8, sizes=(24, 48), ratios=(0.5, 1, 2))
    >>> figure = draw_anchor_matches(sample.image, anchors, sample.instances)
    >>> figure.alt
    'An image with 2 objects; 1 + 2 of 1536 anchors are matched with them'
    """
    matches = match_instances(anchors, instances, **thresholds)
    counts = np.bincount(matches[matches >= 0], minlength=len(instances))
    ignored = int((matches == IGNORED).sum())
    of_each = " + ".join(map(str, counts)) if len(counts) else "0"
    figure, axis = _picture(image, f"{of_each} of {len(anchors)} anchors matched, {ignored} ignored")
    for anchor, k in zip(anchors[matches >= 0], matches[matches >= 0], strict=True):
        draw_box(axis, anchor, COLORS[k % len(COLORS)], 0.8)
    for k, box in enumerate(instances.boxes):
        style = "--" if instances.crowd[k] else "-"
        draw_box(axis, box, INK, 4, style=style)
        draw_box(axis, box, COLORS[k % len(COLORS)], 2.4, style=style)
    figure.alt = f"An image with {len(instances)} objects; {of_each} of {len(anchors)} anchors are matched with them"
    return figure


def draw_anchor_recall(anchor_sets: dict[str, Array], all_instances: Sequence[Instances]) -> Figure:
    """Draw the best possible recall of sets of anchors: the share of objects with an anchor of at least an IoU.

    Parameters
    ----------
    anchor_sets : dict of str to (A, 4) array
        By name; each for the whole image.
    all_instances : sequence of Instances
        The ground-truth objects of images.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import anchor_grid
    >>> from minivision.viz import draw_anchor_recall
    >>> truths = [Scenes("easy", "val")[k].instances for k in range(20)]
    >>> sets = {f"sizes {each}": anchor_grid((16, 16), 8, sizes=each, ratios=(1,)) for each in [(32,), (24, 48)]}
    >>> figure = draw_anchor_recall(sets, truths)
    >>> figure.alt
    'Curves: objects with an anchor of at least an IoU; sizes (32,) (mean 0.58), sizes (24, 48) (mean 0.65)'
    """
    figure, axis = _plot("IoU that an anchor must have", "objects that have such an anchor")
    thresholds = np.linspace(0, 1, 101)
    for k, (name, anchors) in enumerate(anchor_sets.items()):
        best = best_ious(anchors, all_instances)
        recall = (best[:, None] >= thresholds).mean(axis=0) if len(best) else np.full(101, np.nan)
        mean = f"mean {best.mean():.2f}" if len(best) else "no objects"
        axis.plot(thresholds, recall, color=COLORS[(2 * k + 6) % 7], linewidth=1.8, label=f"{name} ({mean})")
    axis.set(xlim=(0, 1), ylim=(0, 1.02))
    axis.axvline(0.7, color="0.6", linewidth=0.8, linestyle=":")
    axis.legend(frameon=False, fontsize=9, loc="lower left")
    figure.alt = f"Curves: objects with an anchor of at least an IoU; {legend_labels(axis)}"
    return figure


def draw_positives_per_object(
    anchors: Array, all_instances: Sequence[Instances], *, thresholds: dict[str, Any] = RPN_THRESHOLDS
) -> Figure:
    """Draw the number of anchors matched with each object over the object's size: objects with few learn slowly.

    Parameters
    ----------
    anchors : ndarray of shape (A, 4)
    all_instances : sequence of Instances
        The ground-truth objects of images; the first thousand images count.
    thresholds : dict
        As in :func:`draw_anchor_matches`.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import anchor_grid
    >>> from minivision.viz import draw_positives_per_object
    >>> truths = [Scenes("easy", "val")[k].instances for k in range(20)]
    >>> anchors = anchor_grid((16, 16), 8, sizes=(24, 48), ratios=(0.5, 1, 2))
    >>> figure = draw_positives_per_object(anchors, truths)
    >>> figure.alt
    'Dots: how many anchors are matched with an object, over its size. 74 objects, 1.6 anchors each on average'
    """
    all_sizes, all_counts = [np.zeros(0)], [np.zeros(0, np.int64)]
    for instances in list(all_instances)[:MAX_IMAGES]:
        matches = match_instances(anchors, instances, **thresholds)
        real = ~instances.crowd
        all_sizes.append(np.sqrt(ops.box_area(instances.boxes[real])))
        all_counts.append(np.bincount(matches[matches >= 0], minlength=len(instances))[real])
    sizes, counts = np.concatenate(all_sizes), np.concatenate(all_counts)
    figure, axis = _plot("size of the object: square root of its area, in pixels", "anchors matched with it")
    axis.plot(sizes, counts, "o", color=COLORS[6], markersize=3, alpha=0.35, markeredgewidth=0)
    if len(counts):
        without = f", {int((counts == 0).sum())} with none" if (counts == 0).any() else ""
        title = f"{len(counts)} objects, {counts.mean():.1f} anchors each on average{without}"
        axis.set_title(title, fontsize=10, color="0.2")
        figure.alt = f"Dots: how many anchors are matched with an object, over its size. {title}"
    axis.set_ylim(bottom=0)
    return figure


def draw_proposals(
    image: Array, boxes: Array, scores: Array, instances: Instances | None = None, *, iou_threshold: float = 0.7
) -> Figure:
    """Draw the boxes that a network proposes for an image, before and after non-maximum suppression.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    boxes : ndarray of shape (P, 4)
    scores : ndarray of shape (P,)
        From 0 to 1: boxes with a higher score are drawn darker. ``draw_proposals(image, *model.candidates(image))``.
    instances : Instances, optional
        The ground-truth objects, drawn below the boxes. Titles then give the number of objects that have
        a box with an IoU of 0.5 or more.
    iou_threshold : float
        Of two boxes with a higher IoU, suppression drops the one with the lower score.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Scenes
    >>> from minivision.detection import selective_search
    >>> from minivision.viz import draw_proposals
    >>> sample = Scenes("easy", "val")[0]
    >>> boxes = selective_search(sample.image).astype(np.float32)[:100]
    >>> scores = np.linspace(1, 0.1, len(boxes), dtype=np.float32)
    >>> figure = draw_proposals(sample.image, boxes, scores, sample.instances)
    >>> figure.alt
    'An image with proposals, twice: 100 before: 5 of 6 found, 83 after suppression: 5 of 6 found'
    """
    kept = ops.nms(boxes, scores, iou_threshold)
    panels = {"before": (boxes, scores), "after suppression": (boxes[kept], scores[kept])}
    figure, axes = make_grid(1, [""] * 2, cell=cell_size(image, SIDE))
    figure.set_size_inches(figure.get_figwidth(), figure.get_figheight() + 0.3)
    figure.subplots_adjust(top=1 - 0.3 / figure.get_figheight())
    for axis, (name, (shown, strength)) in zip(axes[0], panels.items(), strict=True):
        show_image(axis, image, margin=MARGIN)
        title = f"{len(shown)} {name}"
        if instances is not None:
            for box in instances.boxes:
                draw_box(axis, box, COLORS[4], 2.2)
            real = instances[~instances.crowd]
            found = int((best_ious(shown, [real]) >= 0.5).sum())
            title += f": {found} of {len(real)} found"
        axis.set_title(title, fontsize=10, color="0.2")
        for box, score in zip(shown[::-1], strength[::-1], strict=True):
            draw_box(axis, box, COLORS[2], 0.9, alpha=0.1 + 0.9 * float(score))
    figure.alt = f"An image with proposals, twice: {listed(axis.get_title() for axis in axes[0])}"
    return figure


def _picture(image, title):
    """Return a figure that shows an image in pale grays, and its axis."""
    figure, axes = make_grid(1, [title], cell=cell_size(image, SIDE))
    axes[0, 0].set_title(title, fontsize=9.5, color="0.2")
    show_image(axes[0, 0], image, margin=MARGIN)
    return figure, axes[0, 0]


def _plot(xlabel, ylabel):
    """Return an empty figure and its axis."""
    from minivision.viz.figure import Figure

    figure = Figure(figsize=(5.6, 3.8), dpi=144, facecolor=LIGHT["paper"], layout="constrained")
    axis = figure.subplots()
    axis.set_xlabel(xlabel, color=LIGHT["ink"])
    axis.set_ylabel(ylabel, color=LIGHT["ink"])
    dress(axis, LIGHT)
    return figure, axis
