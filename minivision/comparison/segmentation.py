"""Comparison of the lecture's three approaches to semantic segmentation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.comparison.costs import measure_costs
from minivision.comparison.rows import Comparison, ComparisonSettings, Row, Table
from minivision.comparison.spread import SPREAD
from minivision.comparison.table import Column, decimal, whole, with_unit
from minivision.core.types import Array
from minivision.models.sliding_window import SlidingWindow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Dataset
    from minivision.models.base.model import Model

SLIDING_WINDOW, FULL_RESOLUTION, ENCODER_DECODER = "sliding window", "full resolution", "encoder-decoder"
NUM_COMPARED_IMAGES = 2  # images on which the two scans of the sliding window are compared

UPSAMPLINGS = {
    "nearest": "nearest neighbor",
    "bed-of-nails": "bed of nails",
    "max-unpool": "max unpooling",
    "transpose-conv": "transpose convolution",
    "bilinear": "bilinear",
}

ROWS = (
    Row(SLIDING_WINDOW, "patch by patch", "sliding-window", "sliding-window", variant={"scan": "patch-by-patch"}),
    Row(SLIDING_WINDOW, "convolutional", "sliding-window", "sliding-window"),
    Row(FULL_RESOLUTION, "same-size convolutions", "full-resolution", "full-resolution"),
    *(
        Row(ENCODER_DECODER, name, f"encoder-decoder-{upsampling}", "encoder-decoder", {"upsampling": upsampling})
        for upsampling, name in UPSAMPLINGS.items()
    ),
)

COLUMNS = (
    Column("miou", "mIoU", decimal, "mean intersection over union of all classes, the background included.",
           varies=True),
    Column("parameters", "parameters", with_unit(), "number of trained parameters."),
    Column(
        "multiply_adds", "multiply-adds", with_unit(),
        "multiply-adds of the convolutions for one image, by their definition.",
    ),
    Column(
        "prediction_seconds", "time", with_unit("s"),
        "median time of a prediction for one image, on the machine of this comparison.",
    ),
    Column(
        "prediction_memory", "memory", with_unit("B"),
        "peak memory of the arrays during a prediction for one image, on one thread; parameters are not counted.",
    ),
    Column(
        "training_memory", "training memory", with_unit("B"),
        "the same during a training step on one image: activations are kept for the backward pass. "
        "A step of the sliding window trains on a few patches of the image.",
    ),
    Column("training_seconds", "training time", with_unit("s"), "measured training time."),
    Column("training_steps", "steps", whole, "number of training steps in this time."),
)  # fmt: skip


def quality(model: Model, scenes: Dataset) -> dict[str, Any]:
    """Return the accuracy of a segmenter, and the confusion matrix of each image."""
    from minivision.metrics.resampling import SegmentationOutcomes
    from minivision.metrics.segmentation import image_confusions, segmentation_metrics

    confusions = np.array(list(image_confusions(model, scenes)))
    metrics = segmentation_metrics(confusions.sum(axis=0), model.classes, len(scenes))
    return {
        "miou": metrics["miou"],
        "pixel_accuracy": metrics["pixel_accuracy"],
        "outcomes": SegmentationOutcomes(confusions),
    }


def costs(model: Model, scenes: Dataset) -> dict[str, Any]:
    """Return the costs of a segmenter; for the patch by patch scan also its difference to the convolutional one."""
    measured: dict[str, Any] = measure_costs(model, scenes[0])
    if model.name == "encoder-decoder":
        measured["multiply_adds_at_full_size"] = multiply_adds_at_full_size(model, scenes[0].image)
    if isinstance(model, SlidingWindow) and model.scan == "patch-by-patch":
        measured |= scan_difference(model, [scenes[i].image for i in range(min(NUM_COMPARED_IMAGES, len(scenes)))])
    return measured


def multiply_adds_at_full_size(model: Model, image: Array) -> int:
    """Return the multiply-adds if every filter of the model were applied at every pixel of the image."""
    height, width, _ = image.shape
    return height * width * sum(p.value.size for p in model.parameters() if p.value.ndim == 4)


def scan_difference(model: SlidingWindow, images: Sequence[Array]) -> dict[str, Any]:
    """Compare the two scans of a sliding window.

    Returns
    -------
    difference : dict
        ``score_difference``: largest difference of two scores. ``pixels_compared``: number of pixels.
        ``pixels_differing``: number of pixels with another class.
    """
    differences: list[float] = []
    differing = compared = 0
    for image in images:
        x = model.normalize(image[None])
        patches, convolutional = model.scores_patch_by_patch(x), model.scores_convolutional(x)
        differences.append(float(np.abs(patches - convolutional).max()))
        differing += int(np.count_nonzero(patches.argmax(axis=1) != convolutional.argmax(axis=1)))
        compared += patches[0, 0].size
    return {
        "score_difference": max(differences),
        "pixels_differing": differing,
        "pixels_compared": compared,
    }


def notes(table: Table) -> list[str]:
    """Return explanations of the measurements, as far as there are any."""
    patches = table[ROWS[0].title]
    paragraphs = []
    if patches:
        paragraphs.append(
            "The two scans of the sliding window have the same weights, so they predict the same, and the mIoU is that "
            f"of the faster one. Compared on {patches['pixels_compared']:,} pixels, their scores "
            f"differed by {patches['score_difference']:.2g} at most, and {patches['pixels_differing']:,} pixels got "
            "another class."
        )
    full_size = next((values for values in table.values() if "multiply_adds_at_full_size" in values), None)
    if full_size:
        count, without = full_size["multiply_adds"], full_size["multiply_adds_at_full_size"]
        paragraphs.append(
            f"If the filters of the encoder-decoder were applied at every pixel of the image, without downsampling, "
            f"they would take {with_unit()(without)} multiply-adds, {without / count:.0f} times as many."
        )
    return paragraphs


def draw(table: Table, settings: ComparisonSettings) -> Figure:
    """Draw the accuracy and the costs of each row."""
    from minivision.viz.bars import BarPanel, draw_bars

    columns = {column.key: column for column in COLUMNS}

    def panel(key: str, title: str, subtitle: str, **more: Any) -> BarPanel:
        values, spreads = ([table[row.title].get(name) for row in ROWS] for name in (key, key + SPREAD))
        return BarPanel(title, subtitle, values, columns[key].shown, spreads=spreads, **more)

    full_size = [table[row.title].get("multiply_adds_at_full_size") for row in ROWS]
    diamond = "◇ without downsampling" if any(full_size) else ""
    panels = [
        panel("miou", "mean IoU", "on the validation scenes"),
        panel("multiply_adds", "multiply-adds", "for one image", marks=full_size, note=diamond),
        panel("prediction_seconds", "time", "for one image"),
        panel("prediction_memory", "memory", "for one prediction"),
        panel("training_memory", "memory", "for one training step", note="sliding window: of a few patches"),
    ]
    names = [(row.group, row.name) for row in ROWS]
    return draw_bars(names, panels, title="Three approaches to semantic segmentation", subtitle=str(settings))


COMPARISON = Comparison("segmentation", ROWS, COLUMNS, quality, costs, notes, draw, metrics=("miou",))
