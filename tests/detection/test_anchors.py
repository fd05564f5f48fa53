"""Anchors: beside torchvision's, and sizes chosen from a training set."""

import json
import pathlib

import numpy as np
import pytest

from minivision import ops
from minivision.detection import anchor_grid, choose_anchor_sizes

STORED = pathlib.Path(__file__).parent / "data" / "torchvision_anchors.npz"


def stored_grids():
    with np.load(STORED) as stored:
        for case in json.loads(str(stored["index"]))["anchors"]:
            arguments = [case[name] for name in ("map_size", "stride", "sizes", "ratios")]
            yield arguments, stored[case["result"]]


@pytest.mark.parametrize(("arguments", "expected"), list(stored_grids()))
def test_order_and_places_are_torchvisions_and_sizes_too_up_to_its_rounding(arguments, expected):
    anchors = anchor_grid(*arguments)
    assert anchors.shape == expected.shape and anchors.dtype == np.float32
    np.testing.assert_allclose(anchors, expected, atol=0.5)
    map_size, (down, across), sizes, ratios = arguments
    y, x = np.divmod(np.repeat(np.arange(map_size[0] * map_size[1]), len(sizes) * len(ratios)), map_size[1])
    centers = np.stack([x * across, y * down] * 2, axis=1)
    np.testing.assert_array_equal(np.round(anchors - centers), expected - centers)


def test_area_and_ratio_are_those_asked_for():
    anchors = anchor_grid((2, 3), 8, (10, 20), (0.5, 1, 3))
    width, height = anchors[:, 2] - anchors[:, 0], anchors[:, 3] - anchors[:, 1]
    np.testing.assert_allclose((width * height).reshape(6, 3, 2), np.full((6, 3, 2), [100, 400]), rtol=1e-5)
    np.testing.assert_allclose((height / width).reshape(6, 3, 2)[0], [[0.5] * 2, [1] * 2, [3] * 2], rtol=1e-5)


def test_offset_moves_all_boxes_into_the_middle_of_their_pixels():
    corner, middle = (anchor_grid((2, 3), (8, 4), (5,), (1,), offset=offset) for offset in (0, 0.5))
    np.testing.assert_allclose(middle - corner, np.tile([2, 4, 2, 4], (6, 1)))
    np.testing.assert_allclose(middle[-1, :2] + middle[-1, 2:], [20, 24])  # twice the center of the last place


def test_a_map_without_places_has_no_anchors():
    assert anchor_grid((0, 4), 8, (16,), (1,)).shape == (0, 4)


@pytest.mark.parametrize(("change", "message"), [
    ({"sizes": ()}, "sizes: expected positive numbers"),
    ({"sizes": (16, -1)}, "sizes: expected positive numbers"),
    ({"ratios": (0,)}, "ratios: expected positive numbers"),
    ({"ratios": (np.nan,)}, "ratios: expected a number"),
    ({"stride": 0}, "stride: expected at least 1"),
    ({"map_size": (-1, 4)}, "map_size: expected at least 0"),
])  # fmt: skip
def test_what_makes_no_box_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        anchor_grid(**{"map_size": (2, 2), "stride": 8, "sizes": (16,), "ratios": (1,), **change})


def test_each_chosen_size_stands_for_an_equal_share_of_the_objects(rng):
    sides = rng.permutation(np.arange(10, 70))
    boxes = np.stack([sides, sides, 2 * sides, 2 * sides], axis=1)
    np.testing.assert_allclose(choose_anchor_sizes(boxes, 3), [19.5, 39.5, 59.5], atol=0.05)
    np.testing.assert_allclose(choose_anchor_sizes(boxes, 1), [39.5])


def test_every_class_counts_the_same_if_labels_are_given():
    sides, labels = np.repeat([10, 30, 90], [2, 100, 1]), np.repeat([1, 2, 5], [2, 100, 1])
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], axis=1)
    np.testing.assert_allclose(choose_anchor_sizes(boxes, 3, labels=labels), [10, 30, 90], rtol=0.01)
    np.testing.assert_allclose(choose_anchor_sizes(boxes, 3), [30, 37.5, 46.9])


def test_objects_of_one_size_still_give_sizes_that_differ():
    sizes = choose_anchor_sizes([[0, 0, 16, 16]] * 5 + [[3, 3, 3, 9]], 3)
    np.testing.assert_allclose(sizes, [16, 20, 25])


@pytest.mark.parametrize("boxes", [np.zeros((0, 4)), [[1, 1, 1, 5]]])
def test_sizes_without_an_object_are_refused(boxes):
    with pytest.raises(ValueError, match="has an area"):
        choose_anchor_sizes(boxes)


def test_chosen_sizes_overlap_objects_better_than_a_single_one(rng):
    sides, place = rng.uniform(8, 60, 200), rng.uniform(0, 60, (200, 2))
    boxes = np.concatenate([place, place + sides[:, None]], axis=1)

    def mean_best_overlap(count):
        anchors = anchor_grid((16, 16), 8, choose_anchor_sizes(boxes, count), (1,), offset=0.5)
        return ops.box_iou(boxes, anchors).max(axis=1).mean()

    assert mean_best_overlap(3) > mean_best_overlap(1) + 0.1
