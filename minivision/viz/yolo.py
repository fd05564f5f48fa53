"""Draw YOLO's tensor over its image, one cell, and its planes; and the anchor sizes of YOLOv2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.types import Array
from minivision.detection import decode_yolo, mean_best_iou
from minivision.viz.boxes import draw_box, show_image
from minivision.viz.colors import COLORS, class_colors
from minivision.viz.grid import legend_name, make_grid
from minivision.viz.instances import INK, PAPER
from minivision.viz.pictures import TALL, draw_pictures
from minivision.viz.words import legend_labels, listed

if TYPE_CHECKING:
    from minivision.viz.figure import Figure

CELL = 3.0  # inches of a picture
THIN, THICK = 0.2, 3.0  # line width of a box of confidence 0 and 1
MAX_DOTS = 4000
NUMBERS = ("x", "y", "w", "h", "confidence")


def draw_yolo_tensor(image: Array, tensor: Array, classes: Sequence[str], B: int, *, threshold: float = 0.3) -> Figure:
    """Draw the content of a tensor: the grid, all its boxes, the class of each cell, and the boxes that score well.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    tensor : ndarray of shape (S, S, 5 B + C)
        As :func:`minivision.detection.encode_yolo` writes it, or ``YOLO.tensor`` returns it.
    classes : sequence of str
        Names, the background first.
    B : int
        Boxes in a cell.
    threshold : float
        Boxes of a higher score are drawn in the last picture, before any suppression.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import encode_yolo
    >>> from minivision.viz import draw_yolo_tensor
    >>> scenes = Scenes("easy", "val")
    >>> boxes, labels = scenes[0].instances.boxes, scenes[0].instances.labels
    >>> tensor = encode_yolo(boxes, labels, 4, 2, len(scenes.classes) - 1, size=(128, 128))
    >>> figure = draw_yolo_tensor(scenes[0].image, tensor, scenes.classes, 2)
    >>> figure.alt
    'A YOLO tensor over its image: 4 x 4 cells, 32 boxes, the class of each cell, 6 boxes with a score above 0.3'
    """
    from matplotlib.patches import Patch

    rows, columns, depth = _check(tensor, classes, B)
    height, width = image.shape[:2]
    boxes, scores = decode_yolo(tensor, B, size=(height, width))
    confidence = np.clip(tensor[..., 4 : 5 * B : 5].reshape(-1), 0, 1)
    colors = class_colors(len(classes)) / 255
    best = tensor[..., 5 * B :].argmax(axis=2)  # (S, S)
    certain = np.clip(tensor[..., 5 * B :].max(axis=2), 0, 1)
    entries = [Patch(color=color, label=legend_name(name)) for name, color in zip(classes[1:], colors[1:], strict=True)]
    titles = [f"{rows} x {columns} cells", "boxes, by confidence", "class of each cell", f"score above {threshold:g}"]
    figure, axes = make_grid(1, titles, cell=(CELL, CELL * min(height / width, TALL)), entries=entries)
    for axis in axes[0]:
        show_image(axis, image)
    _draw_grid(axes[0, 0], rows, columns, image.shape)
    for box, sure in sorted(zip(boxes, confidence, strict=True), key=lambda each: each[1]):
        draw_box(axes[0, 1], box, INK, THIN + (THICK - THIN) * sure, alpha=0.15 + 0.85 * sure)
    shade = np.concatenate([colors[best + 1], 0.75 * certain[..., None]], axis=2)  # (S, S, 4): RGB and opacity
    axes[0, 2].imshow(shade, interpolation="nearest", extent=(0, width, height, 0))
    _draw_grid(axes[0, 2], rows, columns, image.shape)
    for box, score in zip(boxes, scores, strict=True):
        if score.max() > threshold:
            draw_box(axes[0, 3], box, INK, 3.4)
            draw_box(axes[0, 3], box, colors[score.argmax() + 1], 1.8)
    above = int((scores.max(axis=1) > threshold).sum())
    cells = f"{rows} x {columns} cells, {len(boxes)} boxes, the class of each cell"
    figure.alt = f"A YOLO tensor over its image: {cells}, {above} boxes with a score above {threshold:g}"
    return figure


def draw_yolo_cell(image: Array, tensor: Array, classes: Sequence[str], B: int, cell: tuple[int, int]) -> Figure:
    """Draw one cell: where it is, its boxes, and its 5 B + C numbers under their names.

    Parameters
    ----------
    image, tensor, classes, B
        As in :func:`draw_yolo_tensor`.
    cell : (int, int)
        Row and column.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import encode_yolo
    >>> from minivision.viz import draw_yolo_cell
    >>> scenes = Scenes("easy", "val")
    >>> boxes, labels = scenes[0].instances.boxes, scenes[0].instances.labels
    >>> tensor = encode_yolo(boxes, labels, 4, 2, len(scenes.classes) - 1, size=(128, 128))
    >>> figure = draw_yolo_cell(scenes[0].image, tensor, scenes.classes, 2, (1, 2))
    >>> figure.alt
    'Cell 1, 2 in its image, and its 16 numbers as bars; confidence: 1.00, 0.00'
    """
    from minivision.viz.figure import Figure

    rows, columns, depth = _check(tensor, classes, B)
    row, column = cell
    if not (0 <= row < rows and 0 <= column < columns):
        raise ValueError(f"cell: expected a row below {rows} and a column below {columns}, got {cell}")
    height, width = image.shape[:2]
    boxes, _ = decode_yolo(tensor, B, size=(height, width))
    colors = class_colors(len(classes)) / 255
    figure = Figure(figsize=(6.4, max(2.8, 0.24 * depth)), dpi=144, facecolor="white", layout="constrained")
    picture, strip = figure.subplots(1, 2)
    show_image(picture, image)
    _draw_grid(picture, rows, columns, image.shape)
    down, across = height / rows, width / columns
    draw_box(picture, (column * across, row * down, (column + 1) * across, (row + 1) * down), INK, 2.5)
    picture.set(title=f"cell {row}, {column}")
    picture.set_axis_off()
    for b in range(B):
        x, y, _, _, confidence = tensor[row, column, 5 * b : 5 * b + 5]
        box = boxes[(row * columns + column) * B + b]
        draw_box(picture, box, COLORS[b % 7], THIN + THICK * np.clip(confidence, 0, 1))
        picture.plot((column + x) * across, (row + y) * down, "o", color=COLORS[b % 7], markersize=4)
    for k, (name, value) in enumerate(zip(_names(B, classes), tensor[row, column], strict=True)):
        length = float(np.clip(value, 0, 1))
        strip.barh(-k, length, color=COLORS[k // 5 % 7] if k < 5 * B else colors[k - 5 * B + 1], edgecolor=INK)
        strip.text(-0.05, -k, name, ha="right", va="center", fontsize=8, color=INK)
        strip.text(length + 0.04, -k, f"{value:.2f}", va="center", fontsize=8, color=INK)
    strip.set(xlim=(-0.7, 1.3), ylim=(0.6 - depth, 0.6))
    strip.set_axis_off()
    confidences = listed(f"{value:.2f}" for value in tensor[row, column, 4 : 5 * B : 5])
    figure.alt = f"Cell {row}, {column} in its image, and its {depth} numbers as bars; confidence: {confidences}"
    return figure


def draw_yolo_planes(tensor: Array, classes: Sequence[str], B: int, *, limits: tuple[float, float] = (0, 1)) -> Figure:
    """Draw each of the 5 B + C numbers as a map of the cells, from 0 (black) to 1 (white).

    Parameters
    ----------
    tensor, classes, B
        As in :func:`draw_yolo_tensor`; or numbers about these, such as the weights of their errors.
    limits : (float, float)
        The values that are black and white.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.detection import encode_yolo
    >>> from minivision.viz import draw_yolo_planes
    >>> scenes = Scenes("easy", "val")
    >>> boxes, labels = scenes[0].instances.boxes, scenes[0].instances.labels
    >>> tensor = encode_yolo(boxes, labels, 4, 2, len(scenes.classes) - 1, size=(128, 128))
    >>> figure = draw_yolo_planes(tensor, scenes.classes, 2)
    >>> figure.alt
    'Maps of 4 x 4 cells, from 0 in black to 1 in white: x 1, y 1, w 1, h 1, confidence 1, x 2, y 2, w 2 and 8 more'
    """
    _check(tensor, classes, B)
    planes = dict(zip(_names(B, classes), np.moveaxis(tensor, -1, 0), strict=True))
    figure = draw_pictures(planes, columns=5, limits=limits)
    cells = " x ".join(map(str, tensor.shape[:2]))
    black, white = limits
    figure.alt = f"Maps of {cells} cells, from {black:g} in black to {white:g} in white: {listed(planes)}"
    return figure


def draw_box_sizes(sizes: Array, anchors: dict[str, Array]) -> Figure:
    """Draw the widths and heights of a training set's boxes, and what anchors there are, with how well they fit.

    Parameters
    ----------
    sizes : ndarray of shape (K, 2)
        Widths and heights; of many a part is drawn.
    anchors : dict of str to (A, 2) array
        By what to call them.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.detection import kmeans_anchors
    >>> from minivision.viz import draw_box_sizes
    >>> rng = np.random.default_rng(0)
    >>> sizes = rng.uniform(8, 60, (500, 2))
    >>> anchors = {"k-means": kmeans_anchors(sizes, 4, rng=rng), "one square": np.array([[32.0, 32.0]])}
    >>> figure = draw_box_sizes(sizes, anchors)
    >>> figure.alt
    'Widths and heights of 500 boxes as dots, and anchors; k-means: mean IoU 0.681, one square: mean IoU 0.488'
    """
    from minivision.viz.figure import Figure

    figure = Figure(figsize=(4.6, 4.4), dpi=144, facecolor="white", layout="constrained")
    axis = figure.subplots()
    every = 1 + len(sizes) // MAX_DOTS
    axis.plot(*np.asarray(sizes)[::every].T, ".", color="0.75", markersize=2, zorder=0)
    for k, (name, some) in enumerate(anchors.items()):
        label = f"{name}: mean IoU {mean_best_iou(sizes, some):.3f}"
        axis.plot(*np.asarray(some).T, "os^Dv"[k % 5], color=COLORS[k % 7], markeredgecolor=INK, label=label)
    axis.set(xlabel="width (pixels)", ylabel="height (pixels)", xlim=(0, None), ylim=(0, None), aspect="equal")
    axis.legend(fontsize=8, frameon=False, loc="upper left")
    figure.alt = f"Widths and heights of {len(sizes)} boxes as dots, and anchors; {legend_labels(axis)}"
    return figure


def _check(tensor, classes, B):
    """Return rows, columns and depth."""
    if tensor.ndim != 3 or tensor.shape[2] != 5 * B + len(classes) - 1:
        raise ValueError(
            f"tensor: expected shape (S, S, {5 * B + len(classes) - 1}), for {B} boxes a cell and {len(classes) - 1} "
            f"classes without the background, got {tensor.shape}"
        )
    return tensor.shape


def _names(B, classes):
    """Name the 5 B + C numbers."""
    return [f"{name} {b + 1}" for b in range(B) for name in NUMBERS] + [f"p({name})" for name in classes[1:]]


def _draw_grid(axis, rows, columns, image_shape):
    height, width = image_shape[:2]
    for row in range(rows + 1):
        axis.axhline(row * height / rows, color=PAPER, linewidth=0.6)
    for column in range(columns + 1):
        axis.axvline(column * width / columns, color=PAPER, linewidth=0.6)
