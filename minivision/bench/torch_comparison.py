"""Our training beside that of the same networks by PyTorch, in turns: accuracy after equal minutes, and steps taken.

What the rival is, `minivision.bench.torch_training` says. Both have the same seed: the same first weights, the same
images in the same order, the same flips. They take turns of two seconds, so that other load on the machine slows both
down alike. Both are evaluated by our prediction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minivision.bench.torch_training import import_torch, trained_by_torch
from minivision.comparison import detection, segmentation
from minivision.comparison.differences import within_groups
from minivision.comparison.rows import Comparison, ComparisonSettings, Row, Table
from minivision.comparison.spread import SPREAD
from minivision.comparison.table import Column, decimal, whole, with_unit
from minivision.metrics.captions.evaluation import evaluate_captioning

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Dataset
    from minivision.models.base.model import Model

OURS, THEIRS = "minivision", "PyTorch"
TITLES = {
    "encoder-decoder": "Encoder-decoder",
    "yolo": "YOLO",
    "yolov2": "YOLOv2",
    "ssd": "SSD",
    "faster-rcnn": "Faster R-CNN",
    "densecap": "DenseCap",
}
TRUE = "true_sentences"

ROWS = tuple(
    row
    for system, title in TITLES.items()
    for row in (
        Row(title, OURS, system, system),
        Row(title, THEIRS, f"{system}-pytorch", system, wrap=trained_by_torch),
    )
)
COLUMNS = (
    Column("miou", "mIoU", decimal, "of a segmenter: mean intersection over union of all classes.", varies=True),
    *detection.ACCURACY,
    Column(
        TRUE, "true sentences", decimal,
        "of a captioner, whose AP50 is that of its boxes alone: share of the sentences about the true boxes that are "
        "true in every part.", varies=True,
    ),
    Column("training_steps", "steps", whole, "number of training steps.", varies=True),
    Column("training_seconds", "training time", with_unit("s"), "that of its own turns."),
    Column("steps_per_second", "steps/s", "{:.1f}".format, "steps in a second of training.", varies=True),
)  # fmt: skip


def quality(model: Model, scenes: Dataset) -> dict[str, Any]:
    """Return the accuracy of a system, with what it can be resampled by."""
    if model.task == "captioning":
        figures = evaluate_captioning(model, scenes)  # type: ignore[arg-type]
        return {"AP50": figures["boxes"]["AP50"], TRUE: figures["true_boxes"]["true"]}
    return (segmentation if model.task == "segmentation" else detection).quality(model, scenes)


def costs(model: Model, scenes: Dataset) -> dict[str, Any]:
    """Return nothing: prediction is ours on both sides."""
    return {}


def notes(table: Table) -> list[str]:
    """Say what the rival is, and with which versions it ran."""
    return [
        "PyTorch runs the same network, eager and channels last: all layers forward and backward by autograd, and its "
        "fused AdamW; of the encoder-decoder also the loss. Around the network both sides use the same compiled code "
        "of this package: batches, matching, sampling, RoIAlign, losses of boxes, the schedule of the learning rate. "
        "So the rival is faster than one whose matching is written in Python. Both start from the same weights and "
        "see the same images in the same order; they take turns of two seconds, and are evaluated by the same "
        "prediction."
    ]


def draw(table: Table, settings: ComparisonSettings) -> Figure:
    """Draw the accuracy and the steps of each row."""
    from minivision.viz.bars import BarPanel, draw_bars

    columns = {column.key: column for column in COLUMNS}
    rows = [row for row in ROWS if table[row.title]] or list(ROWS)

    def panel(key: str, title: str, subtitle: str) -> BarPanel:
        values, spreads = ([table[row.title].get(name) for row in rows] for name in (key, key + SPREAD))
        return BarPanel(title, subtitle, values, columns[key].shown, spreads=spreads)

    panels = [
        panel("AP50", "AP50", "of detectors"),
        panel("AP", "AP", "of detectors"),
        panel("miou", "mean IoU", "of the segmenter"),
        panel(TRUE, "true sentences", "of the captioner"),
        panel("training_steps", "steps", "in the same time"),
    ]
    panels = [each for each in panels if any(value is not None for value in each.values)] or panels
    names = [(row.group, row.name) for row in rows]
    return draw_bars(names, panels, title="The same networks, trained by PyTorch", subtitle=str(settings))


COMPARISON = Comparison(
    "pytorch", ROWS, COLUMNS, quality, costs, notes, draw, metrics=("miou", "AP50", "AP"), pairs=within_groups,
    in_turns=True, require=import_torch,
    about="Each system is trained with its own recipe, the same on both sides.",
)  # fmt: skip
