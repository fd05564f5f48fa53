"""What earns the points: the same questions as in the open, with other numbers, more of them, and awkward ones.

Here, and only here, the library's own functions may be asked what is right.
"""

import contextlib

import numpy as np
import pytest

# ---- 3.1 anchors ------------------------------------------------------------------------------------------------


@pytest.mark.task("3.1", points=3)
def test_squares_around_every_place(student):
    student.check("anchor_grid", seed=student.seed, keep=lambda a: a["map_size"][0] and set(a["ratios"]) == {1.0})


@pytest.mark.task("3.1", points=3)
def test_sizes_and_ratios_in_their_order(student):
    student.check("anchor_grid", seed=student.seed, keep=lambda a: a["map_size"][0] and "offset" not in a)


@pytest.mark.task("3.1", points=2)
def test_anchors_with_any_setting(student):
    student.check("anchor_grid", seed=student.seed)


# ---- 3.2 matching -----------------------------------------------------------------------------------------------


@pytest.mark.task("3.2", points=4)
def test_matches_by_thresholds(student):
    student.check(
        "match", seed=student.seed, keep=lambda a: a["iou"].size and a.get("allow_low_quality_matches") is False
    )


@pytest.mark.task("3.2", points=4)
def test_matches_with_the_best_boxes(student):
    student.check("match", seed=student.seed, keep=lambda a: len(np.unique(a["iou"])) > 5)


@pytest.mark.task("3.2", points=4)
def test_matches_with_ties_and_nothing(student):
    student.check("match", seed=student.seed)


# ---- 3.3 what each anchor should find ---------------------------------------------------------------------------


@pytest.mark.task("3.3", points=4)
def test_targets_with_the_papers_thresholds(student):
    student.check(
        "anchor_targets",
        seed=student.seed,
        keep=lambda a: not {"fg_iou_thresh", "bg_iou_thresh"} & set(a) and len(a["boxes"]) > 1,
    )


@pytest.mark.task("3.3", points=4)
def test_targets_with_any_setting(student):
    student.check("anchor_targets", seed=student.seed)


# ---- 3.4 the loss of a region proposal network ------------------------------------------------------------------


def _drawn(a):
    return len(a["positive"]) and len(a["negative"]) and abs(a["logits"]).max() < 50


@pytest.mark.task("3.4", points=4)
def test_the_loss_of_one_image(student):
    student.check("rpn_loss", seed=student.seed, keep=lambda a: _drawn(a) and len(a["logits"]) == 1)


@pytest.mark.task("3.4", points=4)
def test_the_loss_of_several_images(student):
    student.check("rpn_loss", seed=student.seed, keep=_drawn)


@pytest.mark.task("3.4", points=4)
def test_the_loss_also_of_nothing_and_of_huge_scores(student):
    student.check("rpn_loss", seed=student.seed)


# ---- 3.5 YOLO's tensor, written ---------------------------------------------------------------------------------


def _alone(a):
    boxes, rows, columns = a["boxes"], *np.broadcast_to(a["S"], 2)
    height, width = a.get("size", (1, 1))
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 * (columns / width, rows / height)
    inside = (centres < (columns, rows)).all()
    return len(boxes) and inside and len(np.unique(centres.astype(int), axis=0)) == len(boxes)


@pytest.mark.task("3.5", points=5)
def test_objects_each_in_a_cell_of_its_own(student):
    student.check("encode_yolo", seed=student.seed, keep=_alone)


@pytest.mark.task("3.5", points=4)
def test_several_objects_in_a_cell(student):
    student.check("encode_yolo", seed=student.seed, keep=lambda a: len(a["boxes"]) >= 3)


@pytest.mark.task("3.5", points=3)
def test_objects_of_all_kinds(student):
    student.check("encode_yolo", seed=student.seed)


# ---- 3.6 YOLO's tensor, read ------------------------------------------------------------------------------------


@pytest.mark.task("3.6", points=5)
def test_one_tensor(student):
    student.check("decode_yolo", seed=student.seed, keep=lambda a: a["tensor"].ndim == 3)


@pytest.mark.task("3.6", points=3)
def test_several_tensors(student):
    student.check("decode_yolo", seed=student.seed)


# ---- 3.7 which box is responsible -------------------------------------------------------------------------------


@pytest.mark.task("3.7", points=4)
def test_cells_with_one_box(student):
    student.check("yolo_targets", seed=student.seed, keep=lambda a: a["B"] == 1 and a["truth"].any())


@pytest.mark.task("3.7", points=6)
def test_cells_with_several_boxes(student):
    student.check("yolo_targets", seed=student.seed, keep=lambda a: a["outputs"].any() and a["truth"].any())


@pytest.mark.task("3.7", points=4)
def test_also_without_any_overlap_or_object(student):
    student.check("yolo_targets", seed=student.seed)


# ---- 3.8 YOLO's loss --------------------------------------------------------------------------------------------


@pytest.mark.task("3.8", points=4)
def test_the_loss_of_one_tensor(student):
    student.check("yolo_loss", seed=student.seed, keep=lambda a: len(a["outputs"]) == 1)


@pytest.mark.task("3.8", points=6)
def test_the_loss_of_tensors_of_all_kinds(student):
    student.check("yolo_loss", seed=student.seed)


# ---- 3.9 the loss of masks --------------------------------------------------------------------------------------


@pytest.mark.task("3.9", points=4)
def test_masks_of_several_classes(student):
    student.check("mask_loss", seed=student.seed, keep=lambda a: a["logits"].size and abs(a["logits"]).max() < 100)


@pytest.mark.task("3.9", points=4)
def test_masks_also_of_none_and_with_huge_scores(student):
    student.check("mask_loss", seed=student.seed)


# ---- 3.10 train detectors on it ---------------------------------------------------------------------------------


def _batch(seed):
    """Return two images of 32 x 32 pixels with rectangles, one of them with a crowd."""
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
    """Return the named losses of some steps down, and the model after them."""
    model, losses = make(), []
    for _ in range(steps):
        losses.append({name: float(loss) for name, loss in model.step(batch).items()})
        for parameter in model.parameters():
            parameter.value -= rate * parameter.grad
    return losses, model


def _compare(student, make, read=None):
    """Train by the library, then by the student's functions; compare all losses, and what is read in the end."""
    batch, results = _batch(student.seed), []
    for backend in (contextlib.nullcontext(), student.backend()):
        with backend:
            losses, model = _trained(make, batch)
            results.append((losses, read(model, batch) if read else ()))
    (right, said), (got, theirs) = results
    for step, (one, other) in enumerate(zip(got, right, strict=True), 1):
        for name, loss in other.items():
            assert one[name] == pytest.approx(loss, rel=1e-4, abs=1e-5), f"the loss {name!r} of step {step} is another"
    for one, other in zip(theirs, said, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-2, err_msg="after some steps other boxes or scores are read")


@pytest.mark.task("3.10", points=4)
def test_yolo_is_trained_step_for_step_as_by_the_library(student):
    from minivision.models import make_model
    from minivision.models.parts.backbone import Backbone

    def make():
        model = make_model("yolo", ("background", "disc", "square"), width=4, rng=np.random.default_rng(student.seed))
        model.backbone = Backbone((4, 4, 64), (0, 0, 0), rng=np.random.default_rng(1))
        return model

    def read(model, batch):
        return model.decode(model.forward(model.normalize(batch.images)), (32, 32))

    _compare(student, make, read)


@pytest.mark.task("3.10", points=4)
def test_mask_rcnn_is_trained_step_for_step_as_by_the_library(student):
    from minivision.models import make_model

    def make():
        options = {"anchor_sizes": (8, 16), "stride": 8, "widths": (4, 8, 8), "depths": (0, 0, 0), "hidden": 16}
        options |= {"mask_size": 4, "mask_width": 4, "rng": np.random.default_rng(student.seed)}
        return make_model("mask-rcnn", ("background", "disc", "square"), **options)

    _compare(student, make)
