"""Objects as pictures: boxes with their names, masks, skeletons; over their image, and next to the ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.data.shapes import JOINTS
from minivision.viz.boxes import draw_box
from minivision.viz.colors import BLUE, GREEN, LUMINANCE, ORANGE, SKY_BLUE, VERMILION, class_colors, pale
from minivision.viz.grid import legend_name, make_grid
from minivision.viz.segmentation import outline
from minivision.viz.words import count_objects, listed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from minivision.data.instances import Instances
    from minivision.viz.figure import Figure

MAX_NAMED = 12  # objects that have their names written at their boxes; of more the legend tells the classes
TINT = 0.45  # of a mask's color inside of its outline
PICTURE, CELL = 6.0, 2.4  # inches of a picture's longer side, alone and beside others
INK, PAPER = "#1a1a1a", "#ffffff"

# The right side of a body has warm colors and the left one cold ones. Arms are lighter than legs.
PART_COLORS: dict[str, Any] = {
    "right arm": ORANGE,
    "right leg": VERMILION,
    "left arm": SKY_BLUE,
    "left leg": BLUE,
    "trunk": GREEN,
}
STRIPES = (0, (1.2, 0.6))  # of the left side: to be told from the right one without colors too
BONES = {
    "trunk": (
        ("head", "neck"), ("neck", "right_shoulder"), ("neck", "left_shoulder"), ("right_shoulder", "right_hip"),
        ("left_shoulder", "left_hip"), ("right_hip", "left_hip"),
        ("nose", "right_eye"), ("right_eye", "right_ear"), ("nose", "left_eye"), ("left_eye", "left_ear"),
    ),
    **{
        f"{side} {limb}": ((f"{side}_{first}", f"{side}_{second}"), (f"{side}_{second}", f"{side}_{third}"))
        for side in ("right", "left")
        for limb, (first, second, third) in {
            "arm": ("shoulder", "elbow", "wrist"), "leg": ("hip", "knee", "ankle"),
        }.items()
    },
}  # fmt: skip


def draw_instances(
    image: Array,
    instances: Instances,
    classes: Sequence[str],
    *,
    title: str = "",
    keypoint_names: Sequence[str] = JOINTS,
    legend: bool = True,
) -> Figure:
    """Draw the objects of one image over it: a box with name and score, the mask and the skeleton where there is one.

    The image is made gray, so that every color that is seen belongs to an object.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
    instances : Instances
    classes : sequence of str
        Names, the background first.
    title : str
    keypoint_names : sequence of str
        Of the joints, such as ``"left_knee"``: they tell which are joined. By default the lecture's fourteen.
    legend : bool
        Whether to name below what has no name in the picture: many objects, and the parts of skeletons.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_instances
    >>> scenes = Scenes("easy", "val")
    >>> figure = draw_instances(scenes[0].image, scenes[0].instances, scenes.classes)
    >>> figure.alt
    'An image with 1 x disc, 1 x square, 2 x triangle, 2 x person'
    """
    height, width = image.shape[:2]
    scale = PICTURE / max(height, width)
    entries = legend_entries([instances], classes) if legend else ()
    figure, axes = make_grid(1, [title], cell=(scale * width, scale * height), entries=entries)
    draw_objects(axes[0, 0], image, instances, classes, keypoint_names, size=1.5)
    figure.alt = f"{title or 'An image'} with {count_objects(instances, classes)}"
    return figure


def draw_instance_comparison(
    images: Sequence[Array],
    truths: Sequence[Instances],
    predictions: Sequence[Instances],
    classes: Sequence[str],
    *,
    keypoint_names: Sequence[str] = JOINTS,
) -> Figure:
    """Draw a row for each image: the image, its ground-truth objects, the predicted ones.

    Masks and joints of the ground truth are left out if no prediction has any.

    Parameters
    ----------
    images : sequence of uint8 ndarray of shape (H, W, 3)
    truths, predictions : sequence of Instances
    classes : sequence of str
        Names, the background first.
    keypoint_names : sequence of str
        As in :func:`draw_instances`.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_instance_comparison
    >>> scenes = Scenes("easy", "val")
    >>> truths = [scenes[k].instances for k in (0, 1)]
    >>> shifted = [truth.replace(boxes=truth.boxes + 3) for truth in truths]
    >>> figure = draw_instance_comparison([scenes[k].image for k in (0, 1)], truths, shifted, scenes.classes)
    >>> figure.alt
    '2 images, each beside its objects and the predicted ones; predicted are 6 for 6, 6 for 6'
    """
    truths = as_far_as_predicted(truths, predictions)
    entries = legend_entries([*truths, *predictions], classes)
    figure, axes = make_grid(len(images), ["input", "ground truth", "prediction"], cell=(CELL, CELL), entries=entries)
    for row, image, truth, prediction in zip(axes, images, truths, predictions, strict=True):
        row[0].imshow(image, interpolation="nearest")
        for axis, instances in zip(row[1:], (truth, prediction), strict=True):
            draw_objects(axis, image, instances, classes, keypoint_names, size=1.0)
    rows = listed(f"{len(found)} for {len(truth)}" for truth, found in zip(truths, predictions, strict=True))
    figure.alt = f"{len(images)} images, each beside its objects and the predicted ones; predicted are {rows}"
    return figure


def as_far_as_predicted(truths: Sequence[Instances], predictions: Sequence[Instances]) -> list[Instances]:
    """Return ground truths without masks and joints if no prediction has any."""
    truths = list(truths)
    if not any(each.has_masks for each in predictions):
        truths = [truth.replace(masks=None) for truth in truths]
    if all(each.keypoints is None for each in predictions):
        truths = [truth.replace(keypoints=None) for truth in truths]
    return truths


def draw_objects(
    axis: Axes,
    image: Array,
    instances: Instances,
    classes: Sequence[str],
    keypoint_names: Sequence[str],
    *,
    size: float,
) -> None:
    """Draw the objects of an image into `axis`; lines and letters are `size` times as large as in a comparison."""
    height, width = image.shape[:2]
    colors = class_colors(len(classes))[instances.labels] / 255
    axis.imshow(_with_masks(image, instances, colors), interpolation="nearest", extent=(0, width, height, 0))
    has_skeletons = instances.keypoints is not None and instances.keypoints[..., 2].any()
    for box, color in zip(instances.boxes, colors, strict=True):
        _draw_rimmed_box(axis, box, color, 0.6 * size if has_skeletons else size)
    if instances.keypoints is not None:
        for keypoints in instances.keypoints:
            _draw_skeleton(axis, keypoints, keypoint_names, size)
    if len(instances) <= MAX_NAMED:
        for k, (box, color) in enumerate(zip(instances.boxes, colors, strict=True)):
            name = classes[instances.labels[k]]
            text = name if instances.scores is None else f"{name} {instances.scores[k]:.2f}"
            _write_name(axis, text, box, color, (height, width), size)
    axis.set(xlim=(0, width), ylim=(height, 0))


def _with_masks(image, instances, colors):
    """Return the image in pale grays, ``(H, W, 3)`` from 0 to 1, its objects' masks tinted and outlined."""
    picture = np.repeat(pale(image) / 255, 3, axis=2)
    for mask, color in zip(instances.masks if instances.has_masks else (), colors, strict=False):
        strength = np.where(mask & outline(mask), 1, TINT * mask)[..., None]  # (H, W) -> (H, W, 1)
        picture += (color - picture) * strength
    return picture


def _draw_rimmed_box(axis, box, color, size):
    for linewidth, edge in ((3.4, INK), (1.8, color)):  # a dark rim: every color shows on every gray
        draw_box(axis, box, edge, size * linewidth)


def _write_name(axis, text, box, color, image_size, size):
    """Write above the box; below where there is no room above, and inside where there is none at all."""
    height, width = image_size
    x1, y1, x2, y2 = box
    room = 0.08 * height
    y, offset, va = (y1, 1.5, "bottom") if y1 > room else (y2, -2.5, "top") if y2 < height - room else (y1, -2.5, "top")
    x, ha = (x2, "right") if x1 > 0.7 * width else (x1, "left")
    axis.annotate(
        text, (x, y), xytext=(0, size * offset), textcoords="offset points", ha=ha, va=va, fontsize=size * 7,
        color=PAPER if color @ LUMINANCE < 0.5 else INK, annotation_clip=False,
        bbox={"boxstyle": "square,pad=0.15", "facecolor": color, "edgecolor": INK, "linewidth": 0.5},
    )  # fmt: skip


def _draw_skeleton(axis, keypoints, names, size):
    """Draw bones between joints that are known; a joint that is hidden (visibility 1) is a ring."""
    at = {name: joint for name, joint in zip(names, keypoints, strict=True) if joint[2] > 0}
    for part, bones in BONES.items():
        for bone in bones:
            if all(end in at for end in bone):
                x, y, _ = np.transpose([at[end] for end in bone])
                axis.plot(x, y, color=INK, linewidth=size * 3.2, solid_capstyle="round")
                axis.plot(x, y, color=PART_COLORS[part], linewidth=size * 2, linestyle=_style(part))
    for x, y, visibility in at.values():
        axis.plot(x, y, "o", markersize=size * 2.8, markeredgecolor=INK, markeredgewidth=size * 0.6,
                  markerfacecolor=PAPER if visibility > 1 else "0.5")  # fmt: skip


def _style(part):
    return STRIPES if part.startswith("left") else "-"


def legend_entries(all_instances: Sequence[Instances], classes: Sequence[str]) -> list[Any]:
    """Return the entries of a legend: the classes where pictures do not name them, and the parts of skeletons."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[Any] = []
    if any(len(instances) > MAX_NAMED for instances in all_instances):
        labels = np.unique(np.concatenate([instances.labels for instances in all_instances]))
        colors = class_colors(len(classes)) / 255
        entries += [Patch(color=colors[label], label=legend_name(classes[label])) for label in labels]
    if any(instances.keypoints is not None and instances.keypoints[..., 2].any() for instances in all_instances):
        for part, color in PART_COLORS.items():
            entries.append(Line2D([], [], color=color, linewidth=4, linestyle=_style(part), label=part))
    return entries
