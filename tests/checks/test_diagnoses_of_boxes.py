"""Diagnoses of wrong functions of boxes and regions: the right mistake, and none where chance would explain it."""

import re

import numpy as np
import pytest
from wrong_functions import register, written_wrongly

from minivision import ops
from minivision.checks import check_operation
from minivision.checks.diagnoses.box_conventions import regions_otherwise
from minivision.checks.evidence import Evidence
from minivision.core.registry import operations

SMALL = {"keep": lambda case: "rois" not in case or np.abs(case["rois"]).max(initial=0) < 100}
MISTAKES = [
    # operation, (old, new) texts, part of the diagnosis
    (
        "box_iou",
        [
            (
                "    iou = np",
                "    a, b = a + np.array([0, 0, 1, 1], a.dtype), b + np.array([0, 0, 1, 1], b.dtype)\n    iou = np",
            )
        ],
        "counted with \\+ 1",
    ),
    (
        "box_iou",
        [("    iou = np", "    a, b = (np.c_[z[:, :2], z[:, :2] + z[:, 2:]] for z in (a, b))\n    iou = np")],
        "taken for its width and height",
    ),
    ("encode_boxes", [("wx, wy, ww, wh = weights", "wx = wy = ww = wh = 1")], "the weights are ignored"),
    ("decode_boxes", [("/ wx", "* wx"), ("/ wy", "* wy"), ("/ ww", "* ww"), ("/ wh", "* wh")], "decode_boxes divides"),
    ("decode_boxes", [("x - w / 2, y - h / 2, x + w / 2, y + h / 2", "x, y, w, h")], "a center, width and height"),
    ("nms", [("<= iou_threshold", "< iou_threshold")], "above \\(>\\), not when it is equal"),
    ("nms", [("<= iou_threshold", "<= 0.5")], "the threshold 0.5: iou_threshold is ignored"),
    ("nms", [("np.argsort(-scores", "np.argsort(scores")], "begin with the highest one"),
    ("nms", [("np.array(keep, np.int64)", "np.isin(np.arange(len(boxes)), keep)")], "as a mask"),
    ("nms", [("np.array(keep, np.int64)", "np.array(sorted(keep), np.int64)")], "in the order of the indices"),
    ("roi_pool", [("round_half_away(corner)", "math.floor(corner)")], "rounded down; the nearest"),
    ("roi_pool", [("int(rois[k, 0])", "0")], "all regions are read from the first image"),
    ("roi_pool", [("value > best", "value >= best")], "of equals the first wins"),
    (
        "roi_align",
        [("rois[:, 1:] * spatial_scale", "np.round(rois[:, 1:] * spatial_scale)")],
        "RoIAlign rounds nothing",
    ),
]


@pytest.mark.parametrize(
    ("name", "replaced", "sentence"), MISTAKES, ids=[f"{m[0]}-{k}" for k, m in enumerate(MISTAKES)]
)
def test_the_mistake_is_diagnosed(name, replaced, sentence):
    report = check_operation(name, register(**{name: written_wrongly(name, *replaced)}), **SMALL)
    assert any(re.search(sentence, failure.diagnosis or "") for failure in report.failures), str(report)


def test_a_mistake_that_explains_one_case_by_chance_is_not_diagnosed():
    """On a map of one pixel the nearest pixel, a rounded corner and a forgotten setting may give the same numbers."""
    nearest = written_wrongly("roi_align", ("neighbors(sample_y, H)", "neighbors(round(sample_y), H)"))
    (failure,) = check_operation("roi_align", register(roi_align=nearest), **SMALL).failures
    assert "rounded" not in (failure.diagnosis or "") and "aligned" not in (failure.diagnosis or "")


def test_a_mistake_that_another_case_refutes_is_not_diagnosed():
    """What explains a case must explain the others in which the result is wrong too."""
    x, rois = np.arange(12.0).reshape(1, 1, 3, 4), np.array([[0, 0.3, 0.2, 2.4, 1.9]])
    arguments = {"x": x, "rois": rois, "output_size": 1}
    rounded = ops.roi_align(x, np.round(rois), 1)
    explained = Evidence(operations()["roi_align"], arguments, "y", rounded)
    refuting = Evidence(operations()["roi_align"], arguments, "y", rounded + 1)
    assert "RoIAlign rounds nothing" in regions_otherwise(explained)
    assert regions_otherwise(explained, [refuting]) is None


def test_a_threshold_that_agrees_in_one_case_is_not_diagnosed():
    """0.55 and 1 - 0.3 may keep the same boxes of a few; and some cases fail in float32 only."""
    wrong = written_wrongly("nms", ("<= iou_threshold", "<= 0.55"))
    for failure in check_operation("nms", register(nms=wrong)).failures:
        assert "1 - iou_threshold" not in (failure.diagnosis or "")


def test_float32_on_the_way_is_diagnosed_although_most_boxes_do_not_overlap():
    wrong = written_wrongly("box_iou", ("    iou = np.zeros((len(a), len(b)), a.dtype)",
        "    kind, a, b = a.dtype, a.astype(np.float32), b.astype(np.float32)\n"
        "    iou = np.zeros((len(a), len(b)), kind)"))  # fmt: skip
    (failure,) = check_operation("box_iou", register(box_iou=wrong)).failures
    assert "lower precision" in failure.diagnosis
