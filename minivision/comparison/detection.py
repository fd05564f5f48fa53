"""The lecture's detectors side by side: what they reach, how quick they are, and what can be traded.

After Huang et al., "Speed/accuracy trade-offs for modern convolutional object detectors", CVPR 2017: what matters
besides the detector is the size of the images and the number of proposals, and both can be changed after training.
"""

import time

from minivision.comparison.costs import count_multiply_adds, count_parameters, median_seconds
from minivision.comparison.rows import Comparison, Row
from minivision.comparison.table import Column, decimal, whole, with_unit

RCNN, FAST, FASTER = "R-CNN", "Fast R-CNN", "Faster R-CNN"
YOLO, SSD, YOLOV2 = "YOLO", "SSD", "YOLOv2"
TOGETHER = 16  # images of a batch
BATCHES = 3  # whose time is measured

ROWS = (
    Row(RCNN, "all proposals", "rcnn", "rcnn"),
    Row(RCNN, "100 proposals", "rcnn", "rcnn", variant={"max_proposals": 100}),
    Row(FAST, "all proposals", "fast-rcnn", "fast-rcnn"),
    Row(FAST, "100 proposals", "fast-rcnn", "fast-rcnn", variant={"max_proposals": 100}),
    Row(FASTER, "300 proposals", "faster-rcnn", "faster-rcnn", variant={"max_proposals": 300}),
    Row(FASTER, "50 proposals", "faster-rcnn", "faster-rcnn", variant={"max_proposals": 50}),
    Row(FASTER, "10 proposals", "faster-rcnn", "faster-rcnn", variant={"max_proposals": 10}),
    Row(FASTER, "300, of 96 x 96 pixels", "faster-rcnn", "faster-rcnn", variant={"max_proposals": 300}, size=96),
    Row(YOLO, "8 x 8 cells", "yolo", "yolo"),
    Row(SSD, "128 x 128 pixels", "ssd", "ssd"),
    Row(SSD, "96 x 96 pixels", "ssd", "ssd", size=96),
    Row(YOLOV2, "128 x 128 pixels", "yolov2", "yolov2"),
    Row(YOLOV2, "160 x 160 pixels", "yolov2", "yolov2", size=160),
    Row(YOLOV2, "96 x 96 pixels", "yolov2", "yolov2", size=96),
)

COLUMNS = (
    Column("AP50", "AP50", decimal, "average precision by COCO's rules (101 points) at an IoU of .5."),
    Column("AP", "AP", decimal, "the same, averaged over IoUs of .5 to .95."),
    Column(
        "prediction_seconds", "time", with_unit("s"),
        "median of a prediction for one image alone, its proposals included.",
    ),
    Column("batch_seconds", "in batches", with_unit("s"), f"an image's part of the time for {TOGETHER} at once."),
    Column("proposal_seconds", "proposals", with_unit("s"), "what selective search takes of the time for one image."),
    Column("multiply_adds", "multiply-adds", with_unit(), "of convolutions and linear layers, for one image."),
    Column("parameters", "parameters", with_unit(), "numbers that are trained."),
    Column("training_seconds", "training time", with_unit("s"), "as it went, without what is done once before it."),
    Column("training_steps", "steps", whole, "how many training steps fitted into it."),
)  # fmt: skip


def quality(model, scenes):
    """Return how good a detector is."""
    from minivision.tasks import evaluate

    figures = evaluate(model, scenes, batch_size=TOGETHER)
    return {name: figures[name] for name in ("AP50", "AP75", "AP")}


def costs(model, scenes):
    """Return what a detector costs."""
    image = scenes[0].image
    figures = {
        "parameters": count_parameters(model),
        "multiply_adds": count_multiply_adds(lambda: model.predict([image])),
        "prediction_seconds": median_seconds(lambda: model.predict([image])),
        "batch_seconds": seconds_in_batches(model, scenes),
    }
    if hasattr(model, "selective_search"):
        figures["proposal_seconds"] = median_seconds(lambda: model.selective_search([image]))
    return figures


def seconds_in_batches(model, scenes):
    """Return the seconds that an image takes among others, the median of a few batches."""
    images = [scenes[i % len(scenes)].image for i in range(BATCHES * TOGETHER)]
    model.predict(images[:TOGETHER])
    times = []
    for start in range(0, len(images), TOGETHER):
        begun = time.perf_counter()
        model.predict(images[start : start + TOGETHER])
        times.append(time.perf_counter() - begun)
    return sorted(times)[BATCHES // 2] / TOGETHER


def notes(table):
    """Return what the figures do not say by themselves, as far as they are there."""
    fast = table.get(ROWS[2].title, {})
    found = [
        "Rows of one detector have the same weights: fewer proposals or smaller images cost nothing but accuracy. They "
        "were trained on images of 128 x 128 as they are."
    ]
    if "proposal_seconds" in fast:
        share = fast["proposal_seconds"] / fast["prediction_seconds"]
        found.append(f"Selective search takes {share:.0%} of the time of a prediction of Fast R-CNN.")
    return found


def draw(table, settings):
    """Draw average precision over the time for an image, a point for each row, those of a detector joined."""
    from minivision.viz.tradeoff import Point, draw_tradeoff

    points = [
        Point(row.group, row.name, figures["batch_seconds"], figures["AP50"])
        for row in ROWS
        if (figures := table.get(row.title))
    ]
    return draw_tradeoff(
        points,
        title="Speed and accuracy",
        subtitle=str(settings),
        xlabel=f"time for an image, {TOGETHER} at once",
        ylabel="AP50",
    )


COMPARISON = Comparison("detection", ROWS, COLUMNS, quality, costs, notes, draw, quality_of_rows=True)
