"""The lecture's three ways of semantic segmentation, side by side."""

import numpy as np

from minivision.comparison.costs import measure_costs
from minivision.comparison.rows import Comparison, Row
from minivision.comparison.table import Column, decimal, whole, with_unit

SLIDING, FULL, DOWN_AND_UP = "sliding window", "full resolution", "encoder-decoder"
SCANNED_TWICE = 2  # images on which the two scans of the sliding window are held against one another

UPSAMPLINGS = {
    "nearest": "nearest neighbour",
    "bed-of-nails": "bed of nails",
    "max-unpool": "max unpooling",
    "transpose-conv": "transpose convolution",
    "bilinear": "bilinear",
}

ROWS = (
    Row(SLIDING, "patch by patch", "sliding-window", "sliding-window", variant={"scan": "patch-by-patch"}),
    Row(SLIDING, "convolutional", "sliding-window", "sliding-window"),
    Row(FULL, "same-size convolutions", "full-resolution", "full-resolution"),
    *(
        Row(DOWN_AND_UP, name, f"encoder-decoder-{upsampling}", "encoder-decoder", {"upsampling": upsampling})
        for upsampling, name in UPSAMPLINGS.items()
    ),
)

COLUMNS = (
    Column("miou", "mIoU", decimal, "mean intersection over union of all classes, the background included."),
    Column("parameters", "parameters", with_unit(), "numbers that are trained."),
    Column(
        "multiply_adds", "multiply-adds", with_unit(),
        "of the convolutions for one image, by their definition; nothing else is counted.",
    ),
    Column(
        "prediction_seconds", "time", with_unit("s"),
        "median of a prediction for one image, on the machine that this ran on.",
    ),
    Column(
        "prediction_memory", "memory", with_unit("B"),
        "the most that arrays held at one time during a prediction for one image, on one thread; parameters are not "
        "counted.",
    ),
    Column(
        "training_memory", "training memory", with_unit("B"),
        "the same during a training step on one image: its maps are kept for the way back. "
        "A step of the sliding window trains on a few patches of the image, not on all of it.",
    ),
    Column("training_seconds", "training time", with_unit("s"), "as it went."),
    Column("training_steps", "steps", whole, "how many training steps fitted into it."),
)  # fmt: skip


def quality(model, scenes):
    """Return how good a segmenter is."""
    from minivision.tasks import evaluate

    figures = evaluate(model, scenes)
    return {"miou": figures["miou"], "pixel_accuracy": figures["pixel_accuracy"]}


def costs(model, scenes):
    """Return what a segmenter costs, and for the patch by patch scan how far it is from the convolutional one."""
    figures = measure_costs(model, scenes[0])
    if model.name == "encoder-decoder":
        figures["multiply_adds_at_full_size"] = multiply_adds_at_full_size(model, scenes[0].image)
    if model.options.get("scan") == "patch-by-patch":
        figures |= scan_difference(model, [scenes[i].image for i in range(min(SCANNED_TWICE, len(scenes)))])
    return figures


def multiply_adds_at_full_size(model, image):
    """Return the multiply-adds if every filter of the model were applied at every pixel of the image, as it is."""
    height, width, _ = image.shape
    return height * width * sum(p.value.size for p in model.parameters() if p.value.ndim == 4)


def scan_difference(model, images):
    """Hold the two scans of a sliding window against one another.

    Returns
    -------
    dict
        ``score_difference``: the largest between two scores. ``pixels_compared`` and, of them, ``pixels_differing``:
        those that get another class.
    """
    differences, differing, compared = [], 0, 0
    for image in images:
        patches, convolutional = model.scores_patch_by_patch(image[None]), model.scores_convolutional(image[None])
        differences.append(np.abs(patches - convolutional).max())
        differing += np.count_nonzero(patches.argmax(axis=1) != convolutional.argmax(axis=1))
        compared += patches[0, 0].size
    return {
        "score_difference": float(max(differences)),
        "pixels_differing": int(differing),
        "pixels_compared": compared,
    }


def notes(table):
    """Return what the figures do not say by themselves, as far as they are there."""
    patches = table[ROWS[0].title]
    found = []
    if patches:
        found.append(
            "The two scans of the sliding window have the same weights, so they predict the same, and the mIoU is that "
            f"of the quicker one. Held against one another on {patches['pixels_compared']:,} pixels, their scores "
            f"differed by {patches['score_difference']:.2g} at most, and {patches['pixels_differing']:,} pixels got "
            "another class."
        )
    full_size = next((figures for figures in table.values() if "multiply_adds_at_full_size" in figures), None)
    if full_size:
        count, without = full_size["multiply_adds"], full_size["multiply_adds_at_full_size"]
        found.append(
            f"Were the filters of the encoder-decoder applied at every pixel of the image instead, without "
            f"downsampling, they would take {with_unit()(without)} multiply-adds, {without / count:.0f} times as many."
        )
    return found


def draw(table, settings):
    """Draw the figures that make the point: what each of the three ways reaches, and what it costs."""
    from minivision.viz.bars import BarPanel, draw_bars

    columns = {column.key: column for column in COLUMNS}

    def panel(key, title, subtitle, **more):
        return BarPanel(title, subtitle, [table[row.title].get(key) for row in ROWS], columns[key].shown, **more)

    full_size = [table[row.title].get("multiply_adds_at_full_size") for row in ROWS]
    diamond = "◇ without downsampling" if any(full_size) else ""
    panels = [
        panel("miou", "mean IoU", "reached"),
        panel("multiply_adds", "multiply-adds", "for one image", marks=full_size, note=diamond),
        panel("prediction_seconds", "time", "for one image"),
        panel("prediction_memory", "memory", "for one prediction"),
        panel("training_memory", "memory", "for one training step", note="sliding window: of a few patches"),
    ]
    names = [(row.group, row.name) for row in ROWS]
    return draw_bars(names, panels, title="Three ways to label every pixel", subtitle=str(settings))


COMPARISON = Comparison("segmentation", ROWS, COLUMNS, quality, costs, notes, draw)
