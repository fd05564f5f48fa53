"""Metrics of joints equal the published formulas, computed by hand."""

import math

import numpy as np
import pytest

from minivision.data.shapes import JOINTS
from minivision.metrics import correct_keypoints, longer_box_side, object_keypoint_similarity, torso_length


def joints(*points, visibility=2):
    """Return the joints of one person, ``(1, J, 3)``."""
    return np.array([[(x, y, visibility) for x, y in points]], float)


def oks(predicted, true, area, sigmas, box=(0, 0, 1, 1)):
    (similarity,) = object_keypoint_similarity(predicted, true, [area], sigmas, [box]).ravel()
    return similarity


def test_similarity_is_that_of_the_formula():
    # exp(-d^2 / (2 s^2 k^2)), s^2 = 400 the area, k = 2 * .05 twice the constant, d = 5: exp(-25 / 8)
    true, predicted = joints((10, 10), (50, 50)), joints((13, 14), (50, 50))
    assert oks(predicted, true, 400, [0.05, 0.1]) == pytest.approx((math.exp(-25 / 8) + 1) / 2)


def test_only_labeled_joints_count_for_similarity_hidden_ones_too():
    true, predicted = joints((10, 10), (50, 50), (90, 90)), joints((10, 10), (50, 50), (10, 10))
    true[0, :, 2] = 2, 1, 0
    assert oks(predicted, true, 400, [0.05] * 3) == pytest.approx(1)
    true[0, :, 2] = 2, 0, 1
    assert oks(predicted, true, 400, [0.05] * 3) == pytest.approx(1 / 2)


def test_people_without_labeled_joints_are_a_region_three_times_their_box():
    true = joints((0, 0), (0, 0), visibility=0)
    box = (40, 40, 60, 50)  # the region is 20..80, 30..60
    assert oks(joints((20, 30), (80, 60)), true, 100, [0.1, 0.1], box) == pytest.approx(1)
    assert oks(joints((18, 30), (80, 60)), true, 100, [0.1, 0.1], box) == pytest.approx((1 + math.exp(-0.5)) / 2)


def test_every_prediction_is_compared_with_every_person(rng):
    predicted, true = rng.uniform(0, 9, (3, 4, 3)), rng.uniform(0, 9, (2, 4, 3))
    table = object_keypoint_similarity(predicted, true, [50, 70], [0.1] * 4, np.ones((2, 4)))
    assert table.shape == (3, 2)
    assert table[2, 1] == pytest.approx(oks(predicted[2:], true[1:], 70, [0.1] * 4))


def test_correct_joints_are_within_a_fifth_of_the_unit_and_are_labeled():
    true = joints((0, 0), (0, 0), (0, 0), (0, 0))
    true[0, :, 2] = 2, 2, 1, 0
    predicted = joints((12, 16), (12, 16.1), (0, 0), (0, 0))  # 20 away, a little more, hidden, not labeled
    correct, counted = correct_keypoints(predicted, true, [100])
    assert correct.tolist() == [1, 0, 1, 0] and counted.tolist() == [1, 1, 1, 0]
    correct, _ = correct_keypoints(predicted, true, [100], alpha=0.3)
    assert correct.tolist() == [1, 1, 1, 0]


def test_counts_are_added_over_people_each_with_their_own_unit():
    true = np.concatenate([joints((0, 0)), joints((0, 0)), joints((0, 0))])
    predicted = np.concatenate([joints((5, 0))] * 3)
    correct, counted = correct_keypoints(predicted, true, [10, 100, np.nan])  # the unit of the last one is unknown
    assert correct.tolist() == [1] and counted.tolist() == [2]


def test_unit_is_the_longer_side_of_the_box():
    np.testing.assert_array_equal(longer_box_side([[1, 2, 11, 52], [0, 0, 30, 20]]), [50, 30])


def test_torso_length_is_from_the_left_shoulder_to_the_right_hip():
    person = np.zeros((1, 14, 3))
    person[0, JOINTS.index("left_shoulder")] = 10, 20, 1
    person[0, JOINTS.index("right_hip")] = 13, 24, 2
    assert torso_length(person, JOINTS).tolist() == [5]
    person[0, JOINTS.index("right_hip"), 2] = 0
    assert np.isnan(torso_length(person, JOINTS)).all()
    with pytest.raises(ValueError, match="no joint 'right_hip'"):
        torso_length(person[:, :1], ["left_shoulder"])


def test_different_numbers_of_joints_are_an_error():
    with pytest.raises(ValueError, match=r"expected joints of shape \(1, 2, 3\)"):
        correct_keypoints(joints((0, 0)), joints((0, 0), (1, 1)), [1])
