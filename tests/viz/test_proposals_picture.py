"""Pictures of selective search: what is drawn, and what the titles say."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from minivision.data.instances import Instances
from minivision.detection import region_hierarchy, selective_search
from minivision.detection.selective_search.region_grouping import Hierarchy
from minivision.viz import draw_best_proposals, draw_hierarchy, draw_proposal_recall
from minivision.viz.proposals import in_mean_colors


@pytest.fixture
def image(rng):
    image = np.full((60, 80, 3), (30, 60, 200), np.uint8)
    image[20:45, 30:70] = (220, 180, 40)
    image[5:15, 5:25] = (220, 20, 40)
    return image


def rectangles(axis):
    return [patch.get_bbox().extents.tolist() for patch in axis.patches if isinstance(patch, Rectangle)]


def titles(figure):
    return [axis.get_title() for axis in figure.axes if axis.get_title()]


def test_the_first_boxes_are_drawn_and_the_title_tells_of_how_many(image):
    boxes = selective_search(image, "single")
    figure = draw_best_proposals(image, boxes, max_boxes=2)
    assert titles(figure) == [f"the first 2 of {len(boxes)} boxes"]
    assert sorted(rectangles(figure.axes[0])) == sorted(boxes[:2].tolist())


def test_beside_the_objects_stand_the_boxes_that_fit_best(image):
    boxes = np.array([[30, 20, 70, 45], [0, 0, 80, 60], [6, 5, 25, 15]], np.float32)
    truth = Instances([[31, 20, 70, 45], [5, 5, 25, 15], [70, 50, 80, 60], [0, 0, 9, 9]], [1, 1, 1, 1],
                      crowd=[False, False, False, True])  # fmt: skip
    figure = draw_best_proposals(image, boxes, truth)
    assert titles(figure)[1] == "2 of 3 objects covered"
    drawn = rectangles(figure.axes[1])
    assert boxes[0].tolist() in drawn and boxes[2].tolist() in drawn and [0, 0, 9, 9] not in drawn
    assert titles(draw_best_proposals(image, np.zeros((0, 4)), truth))[1] == "0 of 3 objects covered"


def test_the_hierarchy_is_drawn_from_all_regions_to_two(image, rng):
    noisy = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    hierarchy = region_hierarchy(noisy, k=60)
    shown = titles(draw_hierarchy(noisy, hierarchy, stages=4))
    assert shown[0] == "the image" and len(shown) == 5 and shown[-1] == "2 regions"
    assert shown[1] == f"{len(hierarchy.children) + 1} regions"


def test_the_boxes_of_few_regions_are_drawn_in_the_hierarchy(image):
    labels = np.zeros((60, 80), np.int32)
    labels[:, 40:] = 1
    hierarchy = Hierarchy(labels, np.array([[0, 0, 40, 60], [40, 0, 80, 60], [0, 0, 80, 60]]), np.array([[0, 1]]))
    figure = draw_hierarchy(image, hierarchy)
    assert titles(figure) == ["the image", "2 regions"]
    assert sorted(rectangles(figure.axes[1])) == [[0, 0, 40, 60], [40, 0, 80, 60]]


def test_a_single_region_is_drawn_too(image):
    hierarchy = Hierarchy(np.zeros((60, 80), np.int32), np.array([[0, 0, 80, 60]]), np.zeros((0, 2), np.int64))
    assert titles(draw_hierarchy(image, hierarchy)) == ["the image", "1 region"]


def test_regions_have_their_mean_colors_and_white_borders():
    image = np.zeros((2, 6, 3), np.uint8)
    image[:, :3, 0] = [[10, 20, 30], [10, 20, 30]]
    image[:, 3:] = 90
    shown = in_mean_colors(image, np.array([[0, 0, 0, 2, 2, 2]] * 2))  # numbers may be left out
    assert (shown[:, :3] == (20, 0, 0)).all() and (shown[:, 4:] == 90).all() and (shown[:, 3] == 255).all()


def test_every_curve_has_its_name_and_its_last_value():
    figure = draw_proposal_recall({"fast": np.array([0.1, 0.5]), "empty": np.zeros(0)}, mark=[2])
    axis = figure.axes[0]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["fast  0.500"]
    np.testing.assert_array_equal(axis.lines[0].get_xydata(), [[1, 0.1], [2, 0.5]])
