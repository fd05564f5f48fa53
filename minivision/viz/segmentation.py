"""Label maps as pictures: over their image, and beside the truth."""

import numpy as np

from minivision.core.labels import IGNORE
from minivision.viz.colors import class_colors, pale, palette
from minivision.viz.grid import make_grid


def overlay(image, label_map, *, alpha=0.7):
    """Lay the colours of the classes over an image made grey, so that every colour that is seen is a class.

    Each region is tinted, and outlined in its full colour. The background is not tinted. Pixels of unknown
    class are hatched in grey.

    Parameters
    ----------
    image : (H, W, 3) uint8 array
    label_map : (H, W) integer array
        Classes; 255 where unknown.
    alpha : float
        How much of the colour, 0 to 1.

    Returns
    -------
    (H, W, 3) uint8 array
    """
    if image.shape[:2] != label_map.shape:
        raise ValueError(f"label_map: expected the image's size {image.shape[:2]}, got {label_map.shape}")
    colors = palette(255).astype(np.float32)[label_map]
    strength = np.where(label_map > 0, alpha, 0).astype(np.float32)
    strength[outline(label_map) & (label_map > 0)] = 1
    y, x = np.indices(label_map.shape)
    strength[(label_map == IGNORE) & ((x + y) % 4 < 2)] = 0  # a hatching, so that it is not taken for a class
    grey = pale(image)
    mixed = grey + (colors - grey) * strength[..., None]
    return np.round(mixed).astype(np.uint8)


def outline(label_map):
    """Return where a pixel's class differs from that of a pixel above, below, left or right of it."""
    edge = np.zeros(label_map.shape, bool)
    down, right = label_map[1:] != label_map[:-1], label_map[:, 1:] != label_map[:, :-1]
    edge[1:] |= down
    edge[:-1] |= down
    edge[:, 1:] |= right
    edge[:, :-1] |= right
    return edge


def save_label_map(label_map, path, num_classes):
    """Write a label map as a PNG whose pixel values are the classes, with a palette for people to see."""
    from PIL import Image

    picture = Image.fromarray(np.asarray(label_map).astype(np.uint8))
    picture.putpalette(palette(num_classes).ravel().tolist())
    picture.save(path)


def draw_segmentation(image, label_map, classes, *, title=""):
    """Draw a label map over its image, with the names of the classes in it.

    Returns
    -------
    matplotlib Figure
    """
    height, width = label_map.shape
    scale = 6 / max(height, width)
    return _draw([[overlay(image, label_map)]], [title], [label_map], classes, cell=(scale * width, scale * height))


def draw_comparison(images, truths, predictions, classes):
    """Draw a row for each image: the image, the true classes, the predicted ones.

    Parameters
    ----------
    images : sequence of (H, W, 3) uint8 arrays
    truths, predictions : sequence of (H, W) integer arrays
    classes : sequence of str
        Names, the background first.

    Returns
    -------
    matplotlib Figure
    """
    rows = [
        [image, overlay(image, truth), overlay(image, prediction)]
        for image, truth, prediction in zip(images, truths, predictions, strict=True)
    ]
    maps = [*truths, *predictions]
    return _draw(rows, ["input", "truth", "prediction"], maps, classes, cell=(2.4, 2.4))


def _draw(rows, titles, label_maps, classes, *, cell):
    """Draw rows of pictures under titles, above a legend of the classes that occur in `label_maps`."""
    figure, axes = make_grid(len(rows), titles, cell=cell, entries=_legend_entries(label_maps, classes))
    for row, pictures in zip(axes, rows, strict=True):
        for axis, picture in zip(row, pictures, strict=True):
            axis.imshow(picture, interpolation="nearest")
    return figure


def _legend_entries(label_maps, classes):
    from matplotlib.patches import Patch

    present = sorted(set().union(*(np.unique(label_map).tolist() for label_map in label_maps)) - {0})
    colors = class_colors(len(classes)) / 255
    entries = [Patch(color=colors[k], label=classes[k]) for k in present if k < len(classes)]
    if IGNORE in present:
        entries.append(Patch(facecolor="0.85", edgecolor="0.55", hatch="////", linewidth=0, label="not known"))
    return entries
