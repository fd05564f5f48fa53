"""YOLO's tensor as pictures: what is drawn is what the tensor says."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from minivision.detection import encode_yolo
from minivision.viz import draw_box_sizes, draw_yolo_cell, draw_yolo_planes, draw_yolo_tensor

CLASSES = ("background", "disc", "square", "star")
BOXES = [[4, 8, 36, 40], [50, 10, 60, 30]]


@pytest.fixture
def image(rng):
    return rng.integers(0, 256, (64, 80, 3), dtype=np.uint8)


@pytest.fixture
def tensor():
    return encode_yolo(BOXES, [1, 3], (4, 5), 2, 3, size=(64, 80))


def boxes_in(axis):
    return [patch.get_bbox().extents.round(3).tolist() for patch in axis.patches if isinstance(patch, Rectangle)]


def test_the_boxes_are_drawn_where_the_objects_are_and_only_good_ones_last(image, tensor):
    tensor[0, 0, 4] = 0.2  # a cell without classes: no score
    _, every, classes, good = draw_yolo_tensor(image, tensor, CLASSES, 2).axes
    assert len(boxes_in(every)) == 4 * 5 * 2
    assert all(box in boxes_in(every) for box in BOXES)
    widths = [patch.get_linewidth() for patch in every.patches]
    assert widths == sorted(widths) and widths[-2] > 2 * widths[-3]  # the two objects' boxes are the thickest
    assert sorted(boxes_in(good)) == sorted(2 * BOXES)  # a rim and a line each
    shade = classes.get_images()[1].get_array()
    assert shade.shape == (4, 5, 4) and np.count_nonzero(shade[..., 3]) == 2
    assert not np.array_equal(shade[1, 1, :3], shade[1, 3, :3])


def test_a_cell_shows_its_numbers_under_their_names(image, tensor):
    picture, strip = draw_yolo_cell(image, tensor, CLASSES, 2, (1, 1)).axes
    assert [16, 16, 32, 32] in boxes_in(picture) and BOXES[0] in boxes_in(picture)
    texts = [text.get_text() for text in strip.texts]
    assert texts[::2] == [f"{name} {b}" for b in (1, 2) for name in ("x", "y", "w", "h", "confidence")] + [
        "p(disc)", "p(square)", "p(star)",
    ]  # fmt: skip
    assert [float(text) for text in texts[1::2]] == pytest.approx(tensor[1, 1].tolist(), abs=0.006)


def test_there_is_a_plane_for_each_number(tensor):
    figure = draw_yolo_planes(tensor, CLASSES, 2)
    drawn = {axis.get_title(): axis.get_images()[0].get_array() for axis in figure.axes if axis.get_images()}
    assert len(drawn) == 13
    np.testing.assert_array_equal(drawn["confidence 1"], tensor[..., 4])
    np.testing.assert_array_equal(drawn["p(star)"], tensor[..., 12])


def test_anchors_are_drawn_among_the_boxes_with_their_fit(rng):
    sizes = rng.uniform(5, 40, (30, 2))
    figure = draw_box_sizes(sizes, {"ours": sizes[:2], "all": sizes})
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert labels[1] == "all: mean IoU 1.000" and labels[0].startswith("ours: mean IoU 0.")
    assert len(figure.axes[0].lines) == 3


@pytest.mark.parametrize("draw", [lambda *a: draw_yolo_tensor(*a), lambda *a: draw_yolo_cell(*a, (0, 0))])
def test_a_tensor_of_another_depth_and_a_cell_that_is_not_there_are_refused(draw, image, tensor):
    with pytest.raises(ValueError, match=r"expected shape \(S, S, 8\), for 1 boxes a cell and 3 classes"):
        draw(image, tensor, CLASSES, 1)
    with pytest.raises(ValueError, match="a row below 4 and a column below 5"):
        draw_yolo_cell(image, tensor, CLASSES, 2, (4, 0))
