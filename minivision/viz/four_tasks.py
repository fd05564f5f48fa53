"""The lecture's overview: what each of its four tasks says of one and the same image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from minivision.viz.colors import class_colors
from minivision.viz.grid import legend_name, make_grid
from minivision.viz.instances import draw_objects
from minivision.viz.segmentation import overlay
from minivision.viz.words import count_objects

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Sample

CELL = 2.9  # inches of a picture
TITLES = ("semantic segmentation", "classification and localization", "object detection", "instance segmentation")
BELOW = (
    "a class for every pixel;\nobjects are not told apart",
    "one object:\nits class and its box",
    "any number of objects:\na class and a box for each",
    "and the pixels of each:\nwhich ones are whose",
)


def draw_tasks(sample: Sample, classes: Sequence[str]) -> Figure:
    """Draw one annotated image four times: what is asked for in each task of the lecture.

    Parameters
    ----------
    sample : Sample
        With its objects, their masks, and its label map. Classification and localization shows the largest object.
    classes : sequence of str
        Names, the background first.

    Returns
    -------
    matplotlib Figure

    Raises
    ------
    ValueError
        When the image has no object, or its objects have no masks.

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_tasks
    >>> scenes = Scenes("easy", "val", objects=2)
    >>> figure = draw_tasks(scenes[0], scenes.classes)
    >>> figure.alt
    'Four tasks, one image: 1 x square, 1 x triangle; a class for every pixel, one box, all boxes, boxes with pixels'
    """
    image, instances = sample.image, sample.instances
    if not len(instances) or not instances.has_masks:
        raise ValueError(f"sample: expected objects with masks, got {len(instances)} objects; take another image")
    from matplotlib.patches import Patch

    labels = np.unique(sample.label_map[(sample.label_map > 0) & (sample.label_map < len(classes))])
    colors = class_colors(len(classes)) / 255
    entries = [Patch(color=colors[label], label=legend_name(classes[label])) for label in labels]
    height, width = image.shape[:2]
    scale = CELL / max(height, width)
    figure, axes = make_grid(1, TITLES, cell=(max(scale * width, 2.6), scale * height + 0.45), entries=entries)
    largest = np.argmax((instances.boxes[:, 2:] - instances.boxes[:, :2]).prod(axis=1))
    boxes = instances.replace(masks=None, keypoints=None)
    axes[0, 0].imshow(overlay(image, sample.label_map), extent=(0, width, height, 0), interpolation="nearest")
    shown = boxes[largest : largest + 1], boxes, instances.replace(keypoints=None)
    for axis, objects in zip(axes[0, 1:], shown, strict=True):
        draw_objects(axis, image, objects, classes, (), size=1.0)
    for axis, text in zip(axes[0], BELOW, strict=True):
        style = {"ha": "center", "va": "top", "fontsize": 9, "color": "0.25", "transform": axis.transAxes}
        axis.text(0.5, -0.03, text, **style)
    figure.alt = (
        f"Four tasks, one image: {count_objects(instances, classes)}; a class for every pixel, "
        "one box, all boxes, boxes with pixels"
    )
    return figure
