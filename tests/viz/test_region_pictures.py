"""Pictures of regions on maps, of sets of boxes and of SSD's maps show what the operations compute."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from minivision import ops
from minivision.data import Instances
from minivision.detection import DefaultBoxLayout, default_boxes, match_instances
from minivision.viz import draw_box_sets, draw_map_matches, draw_roi_comparison, draw_roi_on_map, draw_yolo_planes

MAP = np.arange(80.0).reshape(8, 10)
IMAGE = np.zeros((64, 80, 3), np.uint8)


def rectangles(axis):
    return [patch for patch in axis.patches if isinstance(patch, Rectangle)]


def last_cells(axis, boxes):
    """Return row and column of the last cell in each of the rectangles that are drawn as bins."""
    ends = [(patch.get_x() + patch.get_width(), patch.get_y() + patch.get_height()) for patch in boxes]
    return [(round(y) - 1, round(x) - 1) for x, y in ends]


@pytest.mark.parametrize("box", [(6, 2, 38, 30), (20, 14, 47, 46), (3, 3, 5, 9)])
def test_bins_on_a_map_end_at_the_cells_that_roi_pooling_takes(box):
    figure = draw_roi_on_map(IMAGE, MAP[None], box, 2, stride=8)
    _, whole, bins = figure.axes
    # on a map that grows to the right and downwards the largest cell of a bin is its last
    _, argmax = ops.roi_pool(MAP[None, None], np.array([[0.0, *box]]), 2, spatial_scale=1 / 8)
    exact, *drawn = rectangles(bins)
    assert last_cells(bins, drawn) == [divmod(int(place), 10) for place in argmax.ravel()]
    assert exact.get_x() == box[0] / 8 and exact.get_width() == (box[2] - box[0]) / 8
    assert last_cells(whole, rectangles(whole)[1:]) == [last_cells(bins, drawn)[-1]]


@pytest.mark.parametrize(("box", "ratio"), [((0.6, 1.2, 4.0, 4.4), 2), ((2.5, 1, 6.1, 7), 1), ((7, 5, 9.9, 7.9), 3)])
def test_the_sample_that_is_drawn_from_close_by_is_the_first_that_roi_align_reads(box, ratio):
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(8, 10))
    figure = draw_roi_comparison(plane, box, (2, 3), sampling_ratio=ratio)
    pooled, aligned, close = figure.axes
    samples = ops.roi_align(plane[None, None], np.array([[0, *box]]), (2 * ratio, 3 * ratio), sampling_ratio=1)[0, 0]
    assert close.get_title() == f"one sample: {samples[0, 0]:.2f}"
    dots = np.concatenate([line.get_xydata() for line in aligned.lines if line.get_marker() == "o"])
    assert len(dots) == samples.size
    shares = [patch.get_width() * patch.get_height() for patch in rectangles(close) if patch.get_alpha() == 0.55]
    assert sum(shares) == pytest.approx(1)
    texts = [text.get_text().split(" · ") for text in close.texts]
    blend = sum(float(share) * float(value) for share, value in texts)
    assert blend == pytest.approx(samples[0, 0], abs=0.03)  # of rounded numbers
    circles = [line.get_xydata()[0] - 0.5 for line in pooled.lines if line.get_markersize() == 15]
    _, argmax = ops.roi_pool(plane[None, None], np.array([[0, *box]]), (2, 3))
    assert [(int(y), int(x)) for x, y in circles] == [divmod(int(place), 10) for place in argmax.ravel()]


def test_what_cannot_be_drawn_is_named():
    with pytest.raises(ValueError, match="plane"):
        draw_roi_comparison(MAP[None], (1, 1, 3, 3))
    with pytest.raises(ValueError, match="box"):
        draw_roi_comparison(MAP, (3, 1, 1, 3))
    with pytest.raises(ValueError, match="outside of the map"):
        draw_roi_comparison(MAP, (30, 30, 33, 33))
    with pytest.raises(ValueError, match="sets"):
        draw_box_sets(IMAGE, {})


def test_sets_of_boxes_are_each_over_the_image_and_better_boxes_are_darker():
    boxes = np.array([[1.0, 1, 20, 20], [30, 5, 50, 40]])
    truth = Instances(boxes[:1], [1])
    figure = draw_box_sets(IMAGE, {"all": (boxes, np.array([0.9, 0.2])), "none": boxes[:0], "one": boxes[1:]}, truth)
    drawn = [rectangles(axis) for axis in figure.axes]
    assert [len(each) for each in drawn] == [3, 1, 2]  # with the object itself
    faint, dark = drawn[0][1:]  # the worse one first: the better one lies upon it
    assert (faint.get_x(), dark.get_x()) == (30, 1) and faint.get_alpha() < dark.get_alpha()
    assert figure.alt.endswith("all (2 boxes), none (0 boxes), one (1 box)")


def test_boxes_matched_on_each_map_are_those_of_the_training():
    layout = DefaultBoxLayout(((16, 20), (8, 10)), (4, 8), (14, 24, 40), ((2,), (2, 3)))
    objects = Instances(np.array([[4.0, 4, 18, 20], [30, 10, 62, 44]]), [1, 2])
    figure = draw_map_matches(IMAGE, layout, objects)
    matches = match_instances(default_boxes(layout), objects, fg_iou_thresh=0.5, bg_iou_thresh=0.5)
    first = 16 * 20 * 4
    expected = [int((part >= 0).sum()) for part in (matches[:first], matches[first:])]
    assert sum(expected) > 5
    assert [len(rectangles(axis)) - 2 * len(objects) for axis in figure.axes] == expected
    assert [int(axis.get_title().split(", ")[1].split()[0]) for axis in figure.axes] == expected


def test_planes_of_weights_have_their_own_black_and_white():
    figure = draw_yolo_planes(np.full((3, 3, 7), 5.0), ("background", "disc", "star"), 1, limits=(0, 5))
    assert {axis.images[0].get_clim() for axis in figure.axes if axis.images} == {(0, 5)}
    assert "to 5 in white" in figure.alt
