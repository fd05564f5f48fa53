"""Diagnoses of groups, of confused and transformed arguments, and of grids in another order."""

import numpy as np
import pytest
from wrong_functions import register, written_wrongly

from minivision.checks import check_operation
from minivision.checks.evidence import Evidence
from minivision.core.registry import operations
from minivision.detection import encode_yolo, yolo_targets

MISTAKES = [
    ("conv2d", [("f // (F // groups)", "f % groups")], "deals them out like cards"),
    ("conv2d_backward", [("f // (F // groups)", "f % groups")], "deals them out like cards"),
    ("conv_transpose2d", [("c // (C // groups)", "c % groups")], "deals them out like cards"),
    ("conv_transpose2d_backward", [("c // (C // groups)", "c % groups")], "deals them out like cards"),
    ("conv2d_backward", [("top : top + H, left : left + W", "top : -top, left : -left")], "is empty for p = 0"),
    ("max_pool2d", [("= row * W + col", "= ((n * C + c) * H + row) * W + col")], "count through all planes"),
    ("max_pool2d_backward", [("dx[n, c, row, col]", "dx[0, 0, row, col]")], "is in the first plane"),
    ("upsample_nearest_backward", [("i // sh, j // sw", "i % (H // sh), j % (W // sw)")], "blocks that are not there"),
    ("box_iou", [("- intersection)", "- intersection + 0.01)")], "0.01 is added to the union"),
    (
        "anchor_grid",
        [("centers[:, :, None]", "centers.transpose(1, 0, 2)[:, :, None]")],
        "run over columns, then rows, then ratios",
    ),
    ("mask_loss", [("with_logits(logits[own]", "with_logits(1 / (1 + np.exp(-logits[own]))")], "the sigmoid of logits"),
    (
        "anchor_targets",
        [("bg_iou_thresh=bg_iou_thresh", "bg_iou_thresh=fg_iou_thresh")],
        "fg_iou_thresh is used for bg_iou_thresh too",
    ),
    (
        "roi_pool",
        [("in box)", "in np.floor(np.array([*map(round_half_away, rois[k, 1:])]) * spatial_scale))")],
        "rounded in the image",
    ),
]


@pytest.mark.parametrize("name, changes, sentence", MISTAKES)
def test_a_mistake_is_diagnosed(name, changes, sentence):
    report = check_operation(name, register(**{name: written_wrongly(name, *changes)}))
    assert any(sentence in (failure.diagnosis or "") for failure in report.failures), str(report)


NOT_TOLD = [  # what gives the same numbers in one result by chance, or in another way
    ("yolo_loss", [("weight * error", "error")], "inverse of weight"),
    ("yolo_loss", [("weight[..., 0 : 5 * B : 5] > 0", "target[..., 4 : 5 * B : 5] > 0")], "sigmoid of weight"),
    ("candidate_boxes", [("np.argsort(-logits", "np.argsort(logits")], "boxes has the right numbers, but in the wrong"),
]


@pytest.mark.parametrize("name, changes, sentence", NOT_TOLD)
def test_what_explains_one_result_alone_is_not_told(name, changes, sentence):
    report = check_operation(name, register(**{name: written_wrongly(name, *changes)}))
    assert report.failures
    assert not any(sentence in (failure.diagnosis or "") for failure in report.failures), str(report)


def test_only_the_columns_that_are_wrong_are_named():
    wrong = written_wrongly("anchor_grid", ("+ offset\n", "+ [[[offset]], [[0.0]]]\n"))
    (failure,) = check_operation("anchor_grid", register(anchor_grid=wrong)).failures
    assert failure.diagnosis.startswith(
        "anchors is right but for x1, x2, which is what the reference gives with offset=0"
    )


def test_nan_contradicts_a_confusion():
    """With negative sizes no box overlaps, and the first is responsible. But their roots would be NaN targets."""
    truth = encode_yolo([[0.25, 0.25, 0.75, 0.75]], [1], 1, 2, 1, dtype="float64")[None]
    outputs = np.zeros_like(truth)
    outputs[..., 5:9] = 0.5, 0.5, 0.7, 0.7  # the second box is responsible
    target, weight = yolo_targets(outputs, truth, 2)
    first = np.concatenate([weight[..., 5:10], weight[..., :5], weight[..., 10:]], axis=-1)
    got = {"target": np.zeros_like(target), "weight": first}
    arguments = {"outputs": outputs, "truth": truth, "B": 2}
    evidence = Evidence(operations()["yolo_targets"], arguments, "weight", first, also=got)
    assert np.array_equal(evidence.reference(truth=-truth), first)
    assert evidence.contradicts(truth=-truth)


def test_a_result_that_is_right_contradicts_a_confusion():
    """Offsets of ignored anchors look like a lower threshold; but then the matches would be others, too."""

    def anchor_targets(anchors, boxes, *, fg_iou_thresh, bg_iou_thresh):
        from minivision.core.registry import reference

        options = {"fg_iou_thresh": fg_iou_thresh, "bg_iou_thresh": bg_iou_thresh}
        matches, _ = reference("anchor_targets")(anchors, boxes, **options)
        lower = {"fg_iou_thresh": bg_iou_thresh, "bg_iou_thresh": bg_iou_thresh}
        return matches, reference("anchor_targets")(anchors, boxes, **lower)[1]

    report = check_operation("anchor_targets", register(anchor_targets=anchor_targets))
    assert report.verdict == "wrong" and "is what the reference gives" not in str(report)


def test_a_size_that_is_rounded_up_is_diagnosed():
    def max_pool2d(x, kernel_size, *, stride, padding):
        from minivision.core.registry import reference

        more = tuple((before, after + s - 1) for (before, after), s in zip(padding, stride, strict=True))
        return reference("max_pool2d")(np.nan_to_num(x), kernel_size, stride=stride, padding=more)

    report = check_operation("max_pool2d", register(max_pool2d=max_pool2d), keep=lambda case: case["x"].shape[2] == 7)
    assert any("rounded up (ceil_mode)" in (failure.diagnosis or "") for failure in report.failures), str(report)
