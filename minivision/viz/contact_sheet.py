"""Many images of a dataset in one picture, with everything that is annotated."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.printable import printable
from minivision.data.files import is_painted
from minivision.data.images import BrokenFileError
from minivision.viz.instances import draw_objects, legend_entries
from minivision.viz.segmentation import label_map_entries, overlay
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.data.dataset import Dataset
    from minivision.viz.figure import Figure

COLUMNS = 4
CELL = 2.6  # inches of a picture's side
HEAD = 0.24  # inches of the line above it
LINE = 0.26  # inches of a line of the legend
LONGEST_NAME = 34  # letters of the name above a picture


def draw_contact_sheet(dataset: Dataset, number: int = 12) -> tuple[Figure, int, list[BrokenFileError]]:
    """Draw images of a dataset with their boxes, masks, joints and label maps.

    Where label maps show more than the masks of the objects, each image is drawn twice, side by side.

    Parameters
    ----------
    dataset : Dataset
    number : int
        Of images, spread evenly over the dataset.

    Returns
    -------
    figure : matplotlib Figure
    drawn : int
        Number of images in it.
    failed : list of BrokenFileError
        Of images that cannot be read: their places have a cross.

    Raises
    ------
    ValueError
        If the dataset has no image.

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_contact_sheet
    >>> figure, drawn, failed = draw_contact_sheet(Scenes("hard", "val"), 8)
    >>> figure.alt
    '8 images of a dataset with their objects: disc, square, triangle, star, ring, person'
    """
    from minivision.viz.figure import Figure

    if not len(dataset):
        raise ValueError("dataset: it has no image to draw")
    indices = np.unique(np.linspace(0, len(dataset) - 1, min(number, len(dataset))).round().astype(int)).tolist()
    samples, failed = _read(dataset, indices)
    kinds = _kinds(dataset, list(samples.values()))
    columns = min(len(indices) * len(kinds), COLUMNS)
    rows = math.ceil(len(indices) * len(kinds) / columns)
    figure = Figure(dpi=110, facecolor="white")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (index, kind) in zip(axes, ((index, kind) for index in indices for kind in kinds), strict=False):
        axis.set_title(_name(dataset.image_path(index), index), fontsize=7.5, color="0.25", pad=3)
        _draw(axis, dataset, samples.get(index), kind)
    tallest = max((sample.image.shape[0] / sample.image.shape[1] for sample in samples.values()), default=1.0)
    _arrange(figure, rows, columns, min(max(tallest, 0.3), 1.0), _entries(dataset, list(samples.values()), kinds))
    figure.alt = f"{len(samples)} images of a dataset with their {listed(kinds)}: {listed(dataset.classes[1:])}"
    return figure, len(samples), failed


def _read(dataset, indices):
    """Return the samples by index, and the errors of those that cannot be read."""
    samples, failed = {}, []
    for index in indices:
        try:
            samples[index] = dataset[index]
        except BrokenFileError as error:
            failed.append(error)
    return samples, failed


def _kinds(dataset, samples):
    """Return what is drawn of each image: its objects, and its label map unless that only repeats the masks."""
    kinds = ["objects"] if dataset.has_boxes else []
    if dataset.has_label_maps and not all(is_painted(sample.label_map, sample.instances) for sample in samples):
        kinds.append("label map")
    return kinds or ["image"]


def _entries(dataset, samples, kinds):
    """Return the entries of the legend, each once."""
    entries = legend_entries([each.instances for each in samples], dataset.classes) if "objects" in kinds else []
    if "label map" in kinds:
        entries += label_map_entries([each.label_map for each in samples], dataset.classes)
    return list({entry.get_label(): entry for entry in entries}.values())


def _draw(axis, dataset, sample, kind):
    if sample is None:
        axis.plot([0, 1, np.nan, 0, 1], [0, 1, np.nan, 1, 0], color="0.7")
        axis.set(xlim=(0, 1), ylim=(0, 1))
    elif kind == "objects":
        draw_objects(axis, sample.image, sample.instances, dataset.classes, dataset.keypoint_names, size=0.8)
    else:
        picture = overlay(sample.image, sample.label_map) if kind == "label map" else sample.image
        axis.imshow(picture, interpolation="nearest")


def _name(path: Path | None, index: int) -> str:
    name = str(index) if path is None else printable(path.name)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME // 2]}…{name[-LONGEST_NAME // 2 + 1 :]}"


def _arrange(figure, rows, columns, tallest, entries):
    """Set the size of the figure and the places of the pictures; `tallest`: their height by width."""
    width = columns * CELL
    longest = max((len(entry.get_label()) for entry in entries), default=0)
    in_a_line = max(1, int(width / (0.5 + 0.075 * longest)))
    foot = 0.1 + LINE * math.ceil(len(entries) / in_a_line)
    height = rows * (CELL * tallest + HEAD) + foot
    figure.set_size_inches(width, height)
    figure.subplots_adjust(
        left=0.01, right=0.99, top=1 - HEAD / height, bottom=foot / height, wspace=0.03, hspace=HEAD / (CELL * tallest)
    )
    if entries:
        figure.legend(
            handles=entries, loc="lower center", ncols=min(in_a_line, len(entries)), frameon=False, fontsize=9,
            handlelength=1.0, handleheight=1.0, columnspacing=1.4, labelcolor="0.2", borderaxespad=0.2,
        )  # fmt: skip
