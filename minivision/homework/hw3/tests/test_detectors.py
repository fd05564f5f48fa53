"""YOLO and Mask R-CNN train on your functions."""

import numpy as np
import pytest

# ---- 3.12: training detectors ---------------------------------------------------------------------------------------


def scene():
    """Return a batch of two images of 32 x 32 pixels with bright squares."""
    from minivision.data import Batch
    from minivision.data.instances import Instances

    objects = [Instances([[3, 4, 20, 19], [16, 14, 30, 31]], [1, 2]), Instances([[8, 8, 24, 28]], [2])]
    images = np.full((2, 32, 32, 3), 90, np.uint8)
    for k, (image, each) in enumerate(zip(images, objects, strict=True)):
        masks = np.zeros((len(each), 32, 32), bool)
        for mask, (x1, y1, x2, y2), label in zip(masks, each.boxes.astype(int), each.labels, strict=True):
            image[y1:y2, x1:x2, label] = 230
            mask[y1:y2, x1:x2] = True
        objects[k] = each.replace(masks=masks)
    return Batch(images, objects, None)


CLASSES = ("background", "disc", "square")


RUNS_ON = {
    "yolo": ("encode_yolo", "yolo_targets", "yolo_loss"),
    "mask-rcnn": (
        "anchor_grid",
        "match",
        "anchor_targets",
        "rpn_loss",
        "mask_loss",
        "candidate_boxes",
        "select_proposals",
    ),
}


def expect_decreasing_loss(student, model, rate):
    """Take four steps of gradient descent on the student's functions, and fail unless the loss decreases."""
    for name in RUNS_ON[model.name]:
        assert name in student.functions, f"the file has no function {name}"
    batch, totals = scene(), []
    with student.backend():
        for _ in range(4):
            totals.append(sum(map(float, model.step(batch).values())))
            for parameter in model.parameters():
                parameter.value -= rate * parameter.grad
    assert np.isfinite(totals).all(), f"the loss is not finite: {totals}"
    assert totals[-1] < 0.95 * totals[0], (
        f"the loss should decrease, and in four steps it is {', '.join(f'{total:.3f}' for total in totals)}: is each "
        "gradient that of its loss, and is its sign right?"
    )


@pytest.mark.task("3.12")
def test_yolo_learns_from_your_targets_and_loss(student):
    from minivision.models import make_model
    from minivision.models.parts.backbone import Backbone

    model = make_model("yolo", CLASSES, width=4, rng=np.random.default_rng(0))
    model.backbone = Backbone((4, 4, 64), (0, 0, 0), rng=np.random.default_rng(1))  # a small one
    expect_decreasing_loss(student, model, rate=0.01)


@pytest.mark.task("3.12")
def test_mask_rcnn_learns_from_your_anchors_matches_and_losses(student):
    from minivision.models import make_model

    options = {"anchor_sizes": (8, 16), "stride": 8, "widths": (4, 8, 8), "depths": (0, 0, 0), "hidden": 16}
    model = make_model("mask-rcnn", CLASSES, mask_size=4, mask_width=4, rng=np.random.default_rng(0), **options)
    expect_decreasing_loss(student, model, rate=0.05)
