"""Comparison of the lecture's detectors: accuracy, speed, and the trade-off between them.

After Huang et al., "Speed/accuracy trade-offs for modern convolutional object detectors", CVPR 2017: besides the
detector, the size of the images and the number of proposals matter, and both can be changed after training.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from minivision.comparison.costs import count_multiply_adds, count_parameters, median_seconds
from minivision.comparison.rows import Comparison, ComparisonSettings, Row, Table
from minivision.comparison.spread import SPREAD
from minivision.comparison.table import Column, decimal, whole, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.data import Dataset
    from minivision.models.base.model import Model

RCNN, FAST, FASTER = "R-CNN", "Fast R-CNN", "Faster R-CNN"
YOLO, SSD, YOLOV2 = "YOLO", "SSD", "YOLOv2"
BATCH_SIZE = 16  # images
NUM_BATCHES = 3  # whose time is measured

ROWS = (
    Row(RCNN, "all proposals", "rcnn", "rcnn"),
    Row(RCNN, "100 proposals", "rcnn", "rcnn", variant={"max_proposals": 100}),
    Row(FAST, "all proposals", "fast-rcnn", "fast-rcnn"),
    Row(FAST, "100 proposals", "fast-rcnn", "fast-rcnn", variant={"max_proposals": 100}),
    Row(FASTER, "300 proposals", "faster-rcnn", "faster-rcnn", variant={"max_proposals": 300}),
    Row(FASTER, "50 proposals", "faster-rcnn", "faster-rcnn", variant={"max_proposals": 50}),
    Row(FASTER, "10 proposals", "faster-rcnn", "faster-rcnn", variant={"max_proposals": 10}),
    Row(FASTER, "300 proposals, 96 x 96 pixels", "faster-rcnn", "faster-rcnn", variant={"max_proposals": 300}, size=96),
    Row(YOLO, "8 x 8 cells", "yolo", "yolo"),
    Row(SSD, "128 x 128 pixels", "ssd", "ssd"),
    Row(SSD, "96 x 96 pixels", "ssd", "ssd", size=96),
    Row(YOLOV2, "128 x 128 pixels", "yolov2", "yolov2"),
    Row(YOLOV2, "160 x 160 pixels", "yolov2", "yolov2", size=160),
    Row(YOLOV2, "96 x 96 pixels", "yolov2", "yolov2", size=96),
)

ACCURACY = (
    Column("AP50", "AP50", decimal, "average precision by COCO's rules (101 points) at an IoU of .5.", varies=True),
    Column("AP", "AP", decimal, "the same, averaged over IoUs of .5 to .95.", varies=True),
)
TRAINING = (
    Column("training_seconds", "training time", with_unit("s"), "measured training time, without the preparation."),
    Column("training_steps", "steps", whole, "number of training steps in this time."),
)
COLUMNS = (
    *ACCURACY,
    Column(
        "prediction_seconds", "time", with_unit("s"),
        "median time of a prediction for one image alone, with its proposals.",
    ),
    Column("batch_seconds", "in batches", with_unit("s"), f"time per image in batches of {BATCH_SIZE}."),
    Column("proposal_seconds", "proposals", with_unit("s"), "time of selective search for one image."),
    Column("multiply_adds", "multiply-adds", with_unit(), "of convolutions and linear layers, for one image."),
    Column("parameters", "parameters", with_unit(), "number of trained parameters."),
    *TRAINING,
)  # fmt: skip


def quality(model: Model, scenes: Dataset) -> dict[str, Any]:
    """Return the accuracy of a detector, and the outcomes of its detections."""
    from minivision.metrics import detection_results

    boxes = detection_results(model, scenes, batch_size=BATCH_SIZE)["box"]
    metrics = {name: boxes.metrics[name] for name in ("AP50", "AP75", "AP", "AR100")}
    return {**metrics, "outcomes": boxes.outcomes}


def costs(model: Model, scenes: Dataset) -> dict[str, Any]:
    """Return the costs of a detector."""
    image = scenes[0].image
    measured: dict[str, Any] = {
        "parameters": count_parameters(model),
        "multiply_adds": count_multiply_adds(lambda: model.predict([image])),
        "prediction_seconds": median_seconds(lambda: model.predict([image])),
        "batch_seconds": seconds_in_batches(model, scenes),
    }
    if hasattr(model, "selective_search"):
        measured["proposal_seconds"] = median_seconds(lambda: model.selective_search([image]))
    return measured


def seconds_in_batches(model: Model, scenes: Dataset) -> float:
    """Return the prediction time per image in a batch, the median of a few batches."""
    images = [scenes[i % len(scenes)].image for i in range(NUM_BATCHES * BATCH_SIZE)]
    model.predict(images[:BATCH_SIZE])
    times = []
    for start in range(0, len(images), BATCH_SIZE):
        begin = time.perf_counter()
        model.predict(images[start : start + BATCH_SIZE])
        times.append(time.perf_counter() - begin)
    return sorted(times)[NUM_BATCHES // 2] / BATCH_SIZE


def notes(table: Table) -> list[str]:
    """Return explanations of the measurements, as far as there are any."""
    fast = table.get(ROWS[2].title, {})
    paragraphs = [
        "Rows of one detector have the same weights, trained on images of 128 x 128 pixels. The number of proposals "
        "and the size of the images are changed in prediction only."
    ]
    if "proposal_seconds" in fast:
        share = fast["proposal_seconds"] / fast["prediction_seconds"]
        paragraphs.append(f"Selective search takes {share:.0%} of the time of a prediction of Fast R-CNN.")
    return paragraphs


def draw(table: Table, settings: ComparisonSettings) -> Figure:
    """Draw AP50 and AP over the time per image: a point for each row, a line for each detector."""
    from minivision.viz.tradeoff import Point, draw_tradeoffs

    def points(name: str) -> list[Point]:
        return [
            Point(row.group, row.name, figures["batch_seconds"], figures[name], figures.get(name + SPREAD))
            for row in ROWS
            if (figures := table.get(row.title))
        ]

    lines = "" if settings.seeds == 1 else "; lines: ± standard deviation over the seeds"
    return draw_tradeoffs(
        {"AP50": points("AP50"), "AP": points("AP")},
        title="Speed and accuracy",
        subtitle=str(settings),
        xlabel=f"time per image, in batches of {BATCH_SIZE}{lines}",
    )


COMPARISON = Comparison(
    "detection", ROWS, COLUMNS, quality, costs, notes, draw, quality_of_rows=True, metrics=("AP50", "AP")
)
