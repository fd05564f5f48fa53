"""From scored boxes to objects."""

import numpy as np
import pytest

from minivision.core.dispatch import observe
from minivision.detection import select_detections

SIZE = (50, 60)


def test_the_better_of_two_that_overlap_stays_within_a_class_only():
    boxes = np.array([[10, 10, 30, 30], [11, 10, 31, 30], [40, 5, 50, 20]], np.float32)
    scores = np.array([[0.6, 0.5], [0.9, 0.1], [0.3, 0.2]], np.float32)
    found = select_detections(boxes, scores, SIZE)
    # class 1: box 1 beats box 0, box 2 stays; class 2: box 0 beats box 1, box 2 stays
    np.testing.assert_array_equal(found.labels, [1, 2, 1, 2])
    np.testing.assert_allclose(found.scores, [0.9, 0.5, 0.3, 0.2])
    np.testing.assert_array_equal(found.boxes, boxes[[1, 0, 2, 2]])


def test_each_class_has_its_own_boxes_if_given():
    boxes = np.array([[[0, 0, 10, 10], [20, 20, 40, 45]]], np.float32)  # (1, 2, 4)
    found = select_detections(boxes, np.array([[0.4, 0.7]], np.float32), SIZE)
    np.testing.assert_array_equal(found.labels, [2, 1])
    np.testing.assert_array_equal(found.boxes, boxes[0, ::-1])


def test_boxes_are_clipped_and_those_outside_dropped():
    boxes = np.array([[-5, -5, 10, 70], [61, 5, 80, 20]], np.float32)
    found = select_detections(boxes, np.array([[0.5], [0.9]], np.float32), SIZE)
    np.testing.assert_array_equal(found.boxes, [[0, 0, 10, 50]])


@pytest.mark.parametrize(
    ("threshold", "max_detections", "expected"), [(0.05, 100, 3), (0.55, 100, 2), (0.05, 1, 1), (1.0, 9, 0)]
)
def test_thresholds_and_the_cap(threshold, max_detections, expected):
    boxes = np.array([[0, 0, 5, 5], [10, 0, 15, 5], [20, 0, 25, 5]], np.float32)
    scores = np.array([[0.5], [0.6], [0.7]], np.float32)
    found = select_detections(boxes, scores, SIZE, score_threshold=threshold, max_detections=max_detections)
    assert len(found) == expected
    np.testing.assert_allclose(found.scores, np.sort(scores[:, 0])[::-1][:expected])


def test_no_boxes_are_no_objects():
    found = select_detections(np.zeros((0, 4), np.float32), np.zeros((0, 3), np.float32), SIZE)
    assert len(found) == 0 and found.boxes.shape == (0, 4)


def test_one_function_selects_what_the_operations_select_one_by_one(rng):
    for trial in range(40):
        K, C, dtype = int(rng.integers(0, 150)), int(rng.integers(1, 6)), (np.float32, np.float64)[trial % 2]
        centers, halves = rng.uniform(-10, 140, (K, 1, 2)), rng.uniform(-2, 40, (K, (1, C)[trial % 3 == 0], 2))
        boxes = np.concatenate([centers - halves, centers + halves], axis=2).astype(dtype)
        boxes = boxes if boxes.shape[1] == C else boxes[:, 0]
        scores = (rng.integers(0, 20, (K, C)) / 20).astype(dtype)  # many equal ones, and some that are the threshold
        if trial % 4 == 0:
            scores[rng.random(scores.shape) < 0.1] = np.nan
            boxes[rng.random(K) < 0.1] = np.nan
        settings = {
            "score_threshold": (0.05, 0.1, 0.5)[trial % 3],
            "iou_threshold": (0.1, 0.3)[trial % 2],
            "max_detections": (5, 100)[trial % 2],
            "max_candidates": (None, 20)[trial // 2 % 2],
        }
        found = select_detections(boxes, scores, (100, 128), **settings)
        with observe(lambda *_: None):
            expected = select_detections(boxes, scores, (100, 128), **settings)
        for field in ("boxes", "labels", "scores"):
            np.testing.assert_array_equal(getattr(found, field), getattr(expected, field), err_msg=f"{trial} {field}")
