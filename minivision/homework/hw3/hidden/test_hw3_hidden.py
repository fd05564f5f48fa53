"""Graded tests of assignment 3: all sizes, other numbers than the visible tests, partial credit."""

import contextlib

import numpy as np
import pytest

# ---- 3.1: anchors ---------------------------------------------------------------------------------------------------


@pytest.mark.task("3.1", points=3)
def test_anchor_grid_of_squares(student):
    student.check("anchor_grid", seed=student.seed, keep=lambda a: a["map_size"][0] and set(a["ratios"]) == {1.0})


@pytest.mark.task("3.1", points=3)
def test_anchor_grid_of_sizes_and_ratios(student):
    student.check("anchor_grid", seed=student.seed, keep=lambda a: a["map_size"][0] and "offset" not in a)


@pytest.mark.task("3.1", points=2)
def test_anchor_grid_with_all_settings(student):
    student.check("anchor_grid", seed=student.seed)


# ---- 3.2: matching --------------------------------------------------------------------------------------------------


@pytest.mark.task("3.2", points=3)
def test_match_by_thresholds(student):
    student.check(
        "match", seed=student.seed, keep=lambda a: a["iou"].size and a.get("allow_low_quality_matches") is False
    )


@pytest.mark.task("3.2", points=3)
def test_match_with_the_best_boxes(student):
    student.check("match", seed=student.seed, keep=lambda a: len(np.unique(a["iou"])) > 5)


@pytest.mark.task("3.2", points=3)
def test_match_with_equal_iou_and_empty_tables(student):
    student.check("match", seed=student.seed, empty=("iou",))


# ---- 3.3: training targets of anchors -------------------------------------------------------------------------------


@pytest.mark.task("3.3", points=4)
def test_anchor_targets_with_default_thresholds(student):
    student.check(
        "anchor_targets",
        seed=student.seed,
        keep=lambda a: not {"fg_iou_thresh", "bg_iou_thresh"} & set(a) and len(a["boxes"]) > 1,
    )


@pytest.mark.task("3.3", points=4)
def test_anchor_targets_with_all_settings(student):
    student.check("anchor_targets", seed=student.seed, empty=("boxes",))


# ---- 3.4: the loss of a region proposal network ---------------------------------------------------------------------


def _sampled(a):
    return len(a["positive"]) and len(a["negative"]) and abs(a["logits"]).max() < 50


@pytest.mark.task("3.4", points=3)
def test_rpn_loss_of_one_image(student):
    student.check("rpn_loss", seed=student.seed, keep=lambda a: _sampled(a) and len(a["logits"]) == 1)


@pytest.mark.task("3.4", points=3)
def test_rpn_loss_of_several_images(student):
    student.check("rpn_loss", seed=student.seed, keep=_sampled)


@pytest.mark.task("3.4", points=3)
def test_rpn_loss_without_anchors_and_with_large_logits(student):
    student.check("rpn_loss", seed=student.seed, empty=("positive", "negative", "targets"))


# ---- 3.5: encoding the YOLO tensor ----------------------------------------------------------------------------------


def _alone(a):
    boxes, rows, columns = a["boxes"], *np.broadcast_to(a["S"], 2)
    height, width = a.get("size", (1, 1))
    centers = (boxes[:, :2] + boxes[:, 2:]) / 2 * (columns / width, rows / height)
    inside = (centers < (columns, rows)).all()
    return len(boxes) and inside and len(np.unique(centers.astype(int), axis=0)) == len(boxes)


@pytest.mark.task("3.5", points=4)
def test_encode_yolo_of_objects_in_different_cells(student):
    student.check("encode_yolo", seed=student.seed, keep=_alone)


@pytest.mark.task("3.5", points=3)
def test_encode_yolo_of_several_objects_in_a_cell(student):
    student.check("encode_yolo", seed=student.seed, keep=lambda a: len(a["boxes"]) >= 3)


@pytest.mark.task("3.5", points=2)
def test_encode_yolo_of_all_objects(student):
    student.check("encode_yolo", seed=student.seed, empty=("boxes", "labels"))


# ---- 3.6: decoding the YOLO tensor ----------------------------------------------------------------------------------


@pytest.mark.task("3.6", points=5)
def test_decode_yolo_of_one_tensor(student):
    student.check("decode_yolo", seed=student.seed, keep=lambda a: a["tensor"].ndim == 3)


@pytest.mark.task("3.6", points=3)
def test_decode_yolo_of_several_tensors(student):
    student.check("decode_yolo", seed=student.seed)


# ---- 3.7: responsible boxes -----------------------------------------------------------------------------------------


@pytest.mark.task("3.7", points=3)
def test_yolo_targets_of_cells_with_one_box(student):
    student.check("yolo_targets", seed=student.seed, keep=lambda a: a["B"] == 1 and a["truth"].any())


@pytest.mark.task("3.7", points=5)
def test_yolo_targets_of_cells_with_several_boxes(student):
    student.check("yolo_targets", seed=student.seed, keep=lambda a: a["outputs"].any() and a["truth"].any())


@pytest.mark.task("3.7", points=3)
def test_yolo_targets_without_overlap_or_objects(student):
    student.check("yolo_targets", seed=student.seed)


# ---- 3.8: the YOLO loss ---------------------------------------------------------------------------------------------


@pytest.mark.task("3.8", points=3)
def test_yolo_loss_of_one_tensor(student):
    student.check("yolo_loss", seed=student.seed, keep=lambda a: len(a["outputs"]) == 1)


@pytest.mark.task("3.8", points=5)
def test_yolo_loss_of_all_tensors(student):
    student.check("yolo_loss", seed=student.seed)


# ---- 3.9: the mask loss ---------------------------------------------------------------------------------------------


@pytest.mark.task("3.9", points=4)
def test_mask_loss_of_several_classes(student):
    student.check("mask_loss", seed=student.seed, keep=lambda a: a["logits"].size and abs(a["logits"]).max() < 100)


@pytest.mark.task("3.9", points=4)
def test_mask_loss_without_regions_and_with_large_logits(student):
    student.check("mask_loss", seed=student.seed, empty=("logits", "labels", "masks"))


# ---- 3.12: training detectors ---------------------------------------------------------------------------------------

RUNS_ON = {
    "yolo": ("encode_yolo", "decode_yolo", "yolo_targets", "yolo_loss"),
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


def _batch(seed):
    """Return a batch of two images of 32 x 32 pixels with rectangles."""
    from minivision.data import Batch
    from minivision.data.instances import Instances

    rng = np.random.default_rng(seed)
    images, objects = rng.integers(60, 120, (2, 32, 32, 3), dtype=np.uint8), []
    for image, count in zip(images, (3, 2), strict=True):
        corners = rng.integers(0, 18, (count, 2))
        boxes = np.concatenate([corners, corners + rng.integers(8, 15, (count, 2))], axis=1)
        labels, masks = rng.integers(1, 3, count), np.zeros((count, 32, 32), bool)
        for mask, (x1, y1, x2, y2), label in zip(masks, boxes, labels, strict=True):
            image[y1:y2, x1:x2, label] = 230
            mask[y1:y2, x1:x2] = True
        objects.append(Instances(boxes, labels, masks=masks))
    return Batch(images, objects, None)


def _trained(make, batch, steps=3, rate=0.02):
    """Return the losses of some steps of gradient descent, and the model after them."""
    model, losses = make(), []
    for _ in range(steps):
        losses.append({name: float(loss) for name, loss in model.step(batch).items()})
        for parameter in model.parameters():
            parameter.value -= rate * parameter.grad
    return losses, model


def _compare(student, system, make, decode=None):
    """Train with the library's functions, then with the student's; compare all losses, and the decoded outputs."""
    for name in RUNS_ON[system]:
        assert name in student.functions, f"the file has no function {name}"  # or the library's would run
    batch, results = _batch(student.seed), []
    for backend in (contextlib.nullcontext(), student.backend()):
        with backend:
            losses, model = _trained(make, batch)
            results.append((losses, decode(model, batch) if decode else ()))
    (expected, expected_outputs), (actual, outputs) = results
    for step, (losses, right) in enumerate(zip(actual, expected, strict=True), 1):
        for name, loss in right.items():
            assert losses[name] == pytest.approx(loss, rel=1e-4, abs=1e-5), f"the loss {name!r} of step {step} is wrong"
    for output, right in zip(outputs, expected_outputs, strict=True):
        np.testing.assert_allclose(output, right, atol=1e-2, err_msg="boxes or scores after the training are wrong")


@pytest.mark.task("3.12", points=2)
def test_yolo_has_the_losses_of_the_library(student):
    from minivision.models import make_model
    from minivision.models.parts.backbone import Backbone

    def make():
        model = make_model("yolo", ("background", "disc", "square"), width=4, rng=np.random.default_rng(student.seed))
        model.backbone = Backbone((4, 4, 64), (0, 0, 0), rng=np.random.default_rng(1))
        return model

    def decode(model, batch):
        return model.decode(model.forward(model.normalize(batch.images)), (32, 32))

    _compare(student, "yolo", make, decode)


@pytest.mark.task("3.12", points=2)
def test_mask_rcnn_has_the_losses_of_the_library(student):
    from minivision.models import make_model

    def make():
        options = {"anchor_sizes": (8, 16), "stride": 8, "widths": (4, 8, 8), "depths": (0, 0, 0), "hidden": 16}
        options |= {"mask_size": 4, "mask_width": 4, "rng": np.random.default_rng(student.seed)}
        return make_model("mask-rcnn", ("background", "disc", "square"), **options)

    _compare(student, "mask-rcnn", make)
