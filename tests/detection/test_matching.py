"""Matching of boxes with objects: beside torchvision's Matcher, and where it departs from it."""

import json
import pathlib

import numpy as np
import pytest

from minivision.data.instances import Instances
from minivision.detection import BACKGROUND, IGNORED, match, match_instances

STORED = pathlib.Path(__file__).parent / "data" / "torchvision_anchors.npz"


def stored_matches():
    with np.load(STORED) as stored:
        for case in json.loads(str(stored["index"]))["matches"]:
            yield stored[case["iou"]], case["options"], stored[case["result"]]


def test_indices_and_sentinels_are_those_of_torchvision():
    cases = list(stored_matches())
    for iou, options, expected in cases:
        matches = match(iou, **options)
        assert matches.dtype == np.int64
        np.testing.assert_array_equal(matches, expected)
    found = np.concatenate([expected for *_, expected in cases])
    assert {BACKGROUND, IGNORED, 0, 1, 2} <= set(found.tolist())


def test_best_boxes_are_found_however_small_their_overlap_all_equal_ones():
    iou = np.array([[0.1, 0.2, 0.2, 0.0], [0.8, 0.1, 0.0, 0.0]])
    np.testing.assert_array_equal(match(iou, fg_iou_thresh=0.7, bg_iou_thresh=0.3), [1, 0, 0, BACKGROUND])
    np.testing.assert_array_equal(
        match(iou, fg_iou_thresh=0.7, bg_iou_thresh=0.3, allow_low_quality_matches=False), [1, -1, -1, -1]
    )


def test_an_object_that_nothing_overlaps_gets_no_box():
    iou = np.array([[0.0, 0.0, 0.0], [0.0, 0.9, 0.5]])
    np.testing.assert_array_equal(match(iou, fg_iou_thresh=0.7, bg_iou_thresh=0.3), [BACKGROUND, 1, IGNORED])


@pytest.mark.parametrize(("objects", "boxes"), [(0, 3), (0, 0), (2, 0)])
def test_without_objects_all_boxes_are_background(objects, boxes):
    matches = match(np.zeros((objects, boxes)), fg_iou_thresh=0.7, bg_iou_thresh=0.3)
    np.testing.assert_array_equal(matches, np.full(boxes, BACKGROUND))


@pytest.mark.parametrize(("fg_iou_thresh", "bg_iou_thresh"), [(0.3, 0.7), (0.5, -0.1)])
def test_thresholds_the_wrong_way_round_are_refused(fg_iou_thresh, bg_iou_thresh):
    with pytest.raises(ValueError, match="0 <= bg_iou_thresh <= fg_iou_thresh"):
        match(np.zeros((1, 1)), fg_iou_thresh=fg_iou_thresh, bg_iou_thresh=bg_iou_thresh)


def test_iou_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="a row for each object"):
        match(np.zeros(3), fg_iou_thresh=0.7, bg_iou_thresh=0.3)


def test_crowds_are_neither_objects_nor_background():
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60], [52, 52, 56, 56], [90, 0, 99, 9], [45, 50, 55, 60]], np.float32)
    truth = Instances([[50, 50, 70, 70], [0, 0, 10, 10]], [1, 2], crowd=np.array([True, False]))
    matches = match_instances(boxes, truth, fg_iou_thresh=0.7, bg_iou_thresh=0.3)
    # the object keeps its index; inside of the crowd, wholly or by half, boxes are ignored
    np.testing.assert_array_equal(matches, [1, IGNORED, IGNORED, BACKGROUND, IGNORED])
    only_crowd = match_instances(boxes, truth[:1], fg_iou_thresh=0.7, bg_iou_thresh=0.3)
    np.testing.assert_array_equal(only_crowd, [BACKGROUND, IGNORED, IGNORED, BACKGROUND, IGNORED])


def test_a_box_on_an_object_is_found_though_a_crowd_is_around():
    truth = Instances([[0, 0, 90, 90], [10, 10, 20, 20]], [1, 1], crowd=np.array([True, False]))
    boxes = np.array([[10, 10, 20, 21], [40, 40, 40, 40]], np.float32)
    np.testing.assert_array_equal(match_instances(boxes, truth, fg_iou_thresh=0.7, bg_iou_thresh=0.3), [1, BACKGROUND])


def test_objects_of_one_pixel_or_without_area_are_no_trouble():
    truth = Instances([[5, 5, 6, 6], [3, 3, 3, 9]], [1, 1])
    boxes = np.array([[0, 0, 16, 16], [20, 20, 30, 30]], np.float32)
    np.testing.assert_array_equal(match_instances(boxes, truth, fg_iou_thresh=0.7, bg_iou_thresh=0.3), [0, BACKGROUND])
