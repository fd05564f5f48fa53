"""The path from YOLO to YOLOv2, one change after the other: table 2 of the paper, as far as its changes are switches.

The changes are in the order of the paper, each on top of those before it. Not among them: batch normalization, which
all rows have; the pretrained classifier at a high resolution and the new network (Darknet-19), since every row is
trained from scratch with the same backbone; training at several scales. Dimension priors and location prediction are
one column there and two rows here.

References
----------
Redmon and Farhadi, "YOLO9000: better, faster, stronger", CVPR 2017, table 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minivision.comparison.costs import count_multiply_adds, count_parameters
from minivision.comparison.detection import ACCURACY, TRAINING, quality
from minivision.comparison.differences import steps_up
from minivision.comparison.rows import Comparison, ComparisonSettings, Row, Table
from minivision.comparison.spread import SPREAD
from minivision.comparison.table import Column, decimal, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Dataset
    from minivision.models.base.model import Model

CONVOLUTIONAL = {"stride": 16, "anchors": "none", "sigmoid_offsets": False, "passthrough": False}
CHANGES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("convolutional", "a class per box", {}),
    ("anchor-boxes", "anchor boxes", {"anchors": "hand-picked"}),
    ("dimension-priors", "dimension priors", {"anchors": "k-means"}),
    ("location-prediction", "location prediction", {"sigmoid_offsets": True}),
    ("passthrough", "passthrough", {"passthrough": True}),
    ("hi-res", "hi-res detector", {"stride": 8}),
)


def _rows() -> tuple[Row, ...]:
    """Return YOLO, and after each change what there is then."""
    rows, options = [Row("YOLO", "a class per cell", "yolo", "yolo")], dict(CONVOLUTIONAL)
    for run, name, change in CHANGES:
        options |= change
        rows.append(Row("to YOLOv2", name, run, "yolov2", dict(options)))
    return tuple(rows)


ROWS = _rows()
COLUMNS = (
    *ACCURACY,
    Column(
        "AR100", "AR100", decimal, "average recall with at most 100 detections of a class in an image.", varies=True
    ),
    Column("parameters", "parameters", with_unit(), "number of trained parameters."),
    Column("multiply_adds", "multiply-adds", with_unit(), "of convolutions and linear layers, for one image."),
    *TRAINING,
)


def costs(model: Model, scenes: Dataset) -> dict[str, Any]:
    """Return the costs of a detector that are the same on every machine."""
    image = scenes[0].image
    return {
        "parameters": count_parameters(model),
        "multiply_adds": count_multiply_adds(lambda: model.predict([image])),
    }


def notes(table: Table) -> list[str]:
    """Return what the rows are."""
    return [
        "Each row has the change in its name on top of those above it. *A class per box*: no anchors, three boxes in "
        "a cell of 16 x 16 pixels, each with classes of its own. *Anchor boxes*: squares chosen by hand. *Dimension "
        "priors*: anchors clustered from the training set. *Location prediction*: a box's center stays in its cell. "
        "*Passthrough*: the finer map is used too. *Hi-res detector*: cells of 8 x 8 pixels, where the paper enlarges "
        "the image.",
        "After table 2 of Redmon and Farhadi, YOLO9000, CVPR 2017. Not switched: batch normalization, which all rows "
        "have; the pretraining and the new network of the paper; training at several scales.",
    ]


def draw(table: Table, settings: ComparisonSettings) -> Figure:
    """Draw the accuracy and the costs of each row."""
    from minivision.viz.bars import BarPanel, draw_bars

    columns = {column.key: column for column in COLUMNS}

    def panel(key: str, title: str, subtitle: str) -> BarPanel:
        values, spreads = ([table[row.title].get(name) for row in ROWS] for name in (key, key + SPREAD))
        return BarPanel(title, subtitle, values, columns[key].shown, spreads=spreads)

    panels = [
        panel("AP50", "AP50", "on the validation scenes"),
        panel("AP", "AP", "IoUs of .5 to .95"),
        panel("AR100", "AR100", "recall, IoUs of .5 to .95"),
        panel("multiply_adds", "multiply-adds", "for one image"),
    ]
    names = [(row.group, row.name) for row in ROWS]
    return draw_bars(names, panels, title="From YOLO to YOLOv2", subtitle=str(settings))


COMPARISON = Comparison(
    "yolov2", ROWS, COLUMNS, quality, costs, notes, draw, metrics=("AP50", "AP"), pairs=steps_up,
    about="All rows are trained with one recipe (batch size, learning rate).",
)  # fmt: skip
