"""Draw label maps over their image, alone or next to the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array
from minivision.viz.colors import class_colors, pale, palette
from minivision.viz.grid import legend_name, make_grid
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.viz.figure import Figure


def overlay(image: Array, label_map: Array, *, alpha: float = 0.7) -> Array:
    """Lay the colors of the classes over an image made gray, so that every color that is seen is a class.

    Each region is tinted, and outlined in its full color. The background is not tinted. Pixels of unknown
    class are hatched in gray.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    label_map : integer ndarray of shape (H, W)
        Classes; 255 where unknown.
    alpha : float
        How much of the color, 0 to 1.

    Returns
    -------
    uint8 ndarray of shape (H, W, 3)
    """
    if image.shape[:2] != label_map.shape:
        raise ValueError(f"label_map: expected the image's size {image.shape[:2]}, got {label_map.shape}")
    colors = palette(255).astype(np.float32)[label_map]
    strength = np.where(label_map > 0, alpha, 0).astype(np.float32)
    strength[outline(label_map) & (label_map > 0)] = 1
    y, x = np.indices(label_map.shape)
    strength[(label_map == IGNORE) & ((x + y) % 4 < 2)] = 0  # a hatching, so that it is not taken for a class
    gray = pale(image)
    mixed = gray + (colors - gray) * strength[..., None]
    return np.round(mixed).astype(np.uint8)


def outline(label_map: Array) -> Array:
    """Return where a pixel's class differs from that of a pixel above, below, left or right of it."""
    edge = np.zeros(label_map.shape, bool)
    down, right = label_map[1:] != label_map[:-1], label_map[:, 1:] != label_map[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge


def save_label_map(label_map: Array, path: Path | str, num_classes: int) -> None:
    """Write a label map as a PNG whose pixel values are the classes, with a palette for people to see."""
    from PIL import Image

    picture = Image.fromarray(np.asarray(label_map).astype(np.uint8))
    picture.putpalette(palette(num_classes).ravel().tolist())
    picture.save(path)


def draw_segmentation(image: Array, label_map: Array, classes: Sequence[str], *, title: str = "") -> Figure:
    """Draw a label map over its image, with the names of the classes in it.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_segmentation
    >>> scenes = Scenes("easy", "val")
    >>> figure = draw_segmentation(scenes[0].image, scenes[0].label_map, scenes.classes)
    >>> figure.alt
    'An image with the class of each pixel as its color: background 69%, disc 13%, square 3%, triangle 9%, person 6%'
    """
    height, width = label_map.shape
    scale = 6 / max(height, width)
    figure = _draw([[overlay(image, label_map)]], [title], [label_map], classes, cell=(scale * width, scale * height))
    known = [k for k in np.unique(label_map) if k < len(classes)]
    shares = listed(f"{classes[k]} {(label_map == k).mean():.0%}" for k in known)
    figure.alt = f"{title or 'An image'} with the class of each pixel as its color: {shares}"
    return figure


def draw_comparison(
    images: Sequence[Array], truths: Sequence[Array], predictions: Sequence[Array], classes: Sequence[str]
) -> Figure:
    """Draw a row for each image: the image, the ground-truth classes, the predicted classes.

    Parameters
    ----------
    images : sequence of uint8 ndarray of shape (H, W, 3)
    truths, predictions : sequence of integer ndarray of shape (H, W)
    classes : sequence of str
        Names, the background first.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_comparison
    >>> scenes = Scenes("easy", "val")
    >>> truths = [scenes[k].label_map for k in (0, 1)]
    >>> shifted = [np.roll(truth, 5, axis=1) for truth in truths]
    >>> figure = draw_comparison([scenes[k].image for k in (0, 1)], truths, shifted, scenes.classes)
    >>> figure.alt
    '2 images, each beside the true and the predicted class of its pixels; right are 84%, 86%'
    """
    rows = [
        [image, overlay(image, truth), overlay(image, prediction)]
        for image, truth, prediction in zip(images, truths, predictions, strict=True)
    ]
    maps = [*truths, *predictions]
    figure = _draw(rows, ["input", "ground truth", "prediction"], maps, classes, cell=(2.4, 2.4))
    right = listed(f"{(truth == found).mean():.0%}" for truth, found in zip(truths, predictions, strict=True))
    figure.alt = f"{len(images)} images, each beside the true and the predicted class of its pixels; right are {right}"
    return figure


def _draw(rows, titles, label_maps, classes, *, cell):
    """Draw rows of pictures under titles, above a legend of the classes that occur in `label_maps`."""
    figure, axes = make_grid(len(rows), titles, cell=cell, entries=label_map_entries(label_maps, classes))
    for row, pictures in zip(axes, rows, strict=True):
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(picture, interpolation="nearest")
    return figure


def label_map_entries(label_maps: Sequence[Array], classes: Sequence[str]) -> list[Any]:
    """Return the entries of a legend: the classes that occur, and pixels to ignore."""
    from matplotlib.patches import Patch

    present = sorted(set().union(*(np.unique(label_map).tolist() for label_map in label_maps)) - {0})
    colors = class_colors(len(classes)) / 255
    entries = [Patch(color=colors[k], label=legend_name(classes[k])) for k in present if k < len(classes)]
    if IGNORE in present:
        entries.append(Patch(facecolor="0.85", edgecolor="0.55", hatch="////", linewidth=0, label="not known"))
    return entries
