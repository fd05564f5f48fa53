"""Joints as cells of a map and back: Heckbert's rounding, joints that are not there, and those outside."""

import numpy as np
import pytest

from minivision.core.labels import IGNORE_INDEX
from minivision.detection import cells_to_joints, joints_to_cells

BOX = [[10.0, 20.0, 38.0, 76.0]]  # 28 x 56: cells of 1 x 2 pixels


@pytest.mark.parametrize(("x", "y", "row", "column"), [
    (10.0, 20.0, 0, 0),  # the corner itself
    (10.99, 21.99, 0, 0),  # the far end of the first cell
    (11.0, 22.0, 1, 1),
    (24.5, 47.0, 13, 14),
    (38.0, 76.0, 27, 27),  # on the border: the last cell, as in Detectron
])  # fmt: skip
def test_a_joint_lies_in_the_cell_that_its_coordinate_is_rounded_down_to(x, y, row, column):
    assert joints_to_cells(np.array([[[x, y, 2]]]), BOX, 28).tolist() == [[row * 28 + column]]


@pytest.mark.parametrize("joint", [
    (24, 40, 0), (9.99, 40, 2), (38.01, 40, 2), (24, 19.9, 1), (24, 76.1, 1), (-500, 1e9, 2), (np.nan, 40, 2),
])  # fmt: skip
def test_joints_not_labeled_and_outside_of_the_box_are_nowhere(joint):
    assert joints_to_cells(np.array([[joint]], np.float32), BOX, 28).tolist() == [[IGNORE_INDEX]]


def test_hidden_joints_are_somewhere():
    assert joints_to_cells(np.array([[[24, 40, 1]]]), BOX, 28)[0, 0] >= 0


def test_what_is_read_is_the_middle_of_the_cell_that_was_written(rng):
    boxes = np.concatenate([corner := rng.uniform(-20, 60, (50, 2)), corner + rng.uniform(3, 50, (50, 2))], axis=1)
    points = boxes[:, None, :2] + rng.uniform(0, 1, (50, 14, 2)) * (boxes[:, None, 2:] - boxes[:, None, :2])
    keypoints = np.concatenate([points, np.full((50, 14, 1), 2)], axis=2)
    places = joints_to_cells(keypoints, boxes, 28)
    back = cells_to_joints(places, boxes, 28)
    half = (boxes[:, None, 2:] - boxes[:, None, :2]) / 56
    assert (places >= 0).all() and (abs(back - points) <= half + 1e-9).all()
    assert abs((back - points) / half).mean() == pytest.approx(0.5, abs=0.05)  # evenly spread: no bias to one side
    assert abs(((back - points) / half).mean()) < 0.05


def test_boxes_without_area_hold_no_joint_and_no_boxes_are_no_joints():
    keypoints = np.full((2, 3, 3), 5.0)
    with np.errstate(all="raise"):
        places = joints_to_cells(keypoints, [[5, 5, 5, 9], [7, 3, 4, 9]], 14)
    assert (places == IGNORE_INDEX).all()
    assert joints_to_cells(np.zeros((0, 14, 3)), np.zeros((0, 4)), 28).shape == (0, 14)
    assert cells_to_joints(np.zeros((0, 14), int), np.zeros((0, 4)), 28).shape == (0, 14, 2)
