"""SSD's default boxes: their number, and torchvision's values."""

import json
import pathlib

import numpy as np
import pytest

from minivision.detection import SSD300, SSD512, DefaultBoxLayout, boxes_per_location, default_boxes

_FILE = pathlib.Path(__file__).parent / "data" / "default_boxes.npz"


def _as_tuple(value):
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


@pytest.mark.parametrize(("layout", "count"), [(SSD300, 8732), (SSD512, 24564)])
def test_the_published_layouts_have_exactly_as_many_boxes_as_the_paper_says(layout, count):
    assert default_boxes(layout).shape == (count, 4)
    places = [rows**2 for rows in layout.map_sizes]
    assert np.dot(places, boxes_per_location(layout)) == count


@pytest.mark.parametrize("name", ["SSD300", "oblong"])
def test_every_box_stands_where_torchvision_puts_it(name):
    with np.load(_FILE) as stored:
        facts = json.loads(str(stored["index"]))["layouts"][name]
        expected = stored[name]
    layout = DefaultBoxLayout(**{part: _as_tuple(value) for part, value in facts["layout"].items()})
    assert name != "SSD300" or layout == SSD300
    boxes = default_boxes(layout)
    assert len(boxes) == facts["count"]
    np.testing.assert_allclose(boxes[:: facts["every"]], expected, rtol=0, atol=2e-4)


def test_the_boxes_of_a_place_are_two_squares_and_two_of_each_ratio_around_its_middle():
    boxes = default_boxes(DefaultBoxLayout(((1, 2),), (10,), (8, 18), ((4,),)))
    sizes, centers = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    np.testing.assert_allclose(sizes[:4], [[8, 8], [12, 12], [16, 4], [4, 16]], rtol=1e-6)
    np.testing.assert_allclose(centers, [[5, 5]] * 4 + [[15, 5]] * 4, rtol=1e-6)


def test_a_layout_whose_parts_disagree_is_named():
    with pytest.raises(ValueError, match="one size more, got 2 map_sizes, 2 steps, 2 sizes and 2 ratios"):
        default_boxes(DefaultBoxLayout((4, 2), (8, 16), (10, 20), ((2,), (2,))))
