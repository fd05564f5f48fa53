"""Pictures of objects: what is drawn where, and in which colors."""

import io

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from minivision.data import Scenes
from minivision.data.instances import Instances
from minivision.data.shapes import JOINTS
from minivision.viz import draw_instance_comparison, draw_instances
from minivision.viz.instances import BONES

CLASSES = ("background", "disc", "person")
GRAY = np.full((40, 60, 3), 128, np.uint8)


def pixels(figure):
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return np.asarray(Image.open(file).convert("RGB"))


def written(axis):
    return [text.get_text() for text in axis.texts]


def test_each_box_is_drawn_at_its_place_with_name_and_score():
    objects = Instances([[5, 6, 20, 30], [30, 2, 55, 38]], [1, 2], scores=[0.5, 0.875])
    (axis,) = draw_instances(GRAY, objects, CLASSES).axes
    boxes = {(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in axis.patches}
    assert boxes == {(5, 6, 15, 24), (30, 2, 25, 36)}
    assert written(axis) == ["disc 0.50", "person 0.88"]
    assert axis.get_xlim() == (0, 60) and axis.get_ylim() == (40, 0)


def test_without_scores_names_stand_alone_and_no_objects_are_no_error():
    (axis,) = draw_instances(GRAY, Instances([[5, 6, 20, 30]], [1]), CLASSES).axes
    assert written(axis) == ["disc"]
    (axis,) = draw_instances(GRAY, Instances.empty(), CLASSES).axes
    assert written(axis) == [] and not axis.patches


def test_many_objects_are_told_apart_by_a_legend():
    objects = Instances(np.tile([5, 6, 20, 30], (13, 1)), [1] * 12 + [2])
    figure = draw_instances(GRAY, objects, CLASSES)
    assert written(figure.axes[0]) == []
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["disc", "person"]


def test_a_mask_is_tinted_in_the_color_of_its_class():
    mask = np.zeros((1, 40, 60), bool)
    mask[0, 10:30, 20:40] = True
    plain = pixels(draw_instances(GRAY, Instances([[20, 10, 40, 30]], [1]), CLASSES))
    tinted = pixels(draw_instances(GRAY, Instances([[20, 10, 40, 30]], [1], masks=mask), CLASSES))
    changed = np.argwhere((plain != tinted).any(axis=2))
    height, width = plain.shape[:2]
    (top, left), (bottom, right) = changed.min(axis=0) / [height, width], changed.max(axis=0) / [height, width]
    assert (left, right) == pytest.approx((20 / 60, 40 / 60), abs=0.03)
    assert (top, bottom) == pytest.approx((10 / 40, 30 / 40), abs=0.03)


def person(visibility=2):
    joints = np.zeros((1, 14, 3))
    joints[0, :, 0], joints[0, :, 1] = np.linspace(5, 50, 14), np.linspace(3, 35, 14)
    joints[..., 2] = visibility
    return joints


def test_bones_join_known_joints_only():
    def lines(keypoints):
        (axis,) = draw_instances(GRAY, Instances([[5, 3, 50, 35]], [2], keypoints=keypoints), CLASSES).axes
        return axis.lines

    bones = sum(one in JOINTS and other in JOINTS for part in BONES.values() for one, other in part)
    assert len(lines(person())) == 2 * bones + 14  # each bone has a dark rim
    unknown = person()
    unknown[0, JOINTS.index("head"), 2] = 0  # one bone ends there
    assert len(lines(unknown)) == 2 * (bones - 1) + 13
    assert len(lines(person(0))) == 0


def test_hidden_joints_look_different_and_a_legend_names_the_parts():
    shown, hidden = (
        draw_instances(GRAY, Instances([[5, 3, 50, 35]], [2], keypoints=person(visibility)), CLASSES)
        for visibility in (2, 1)
    )
    colors = [{line.get_markerfacecolor() for line in figure.axes[0].lines[-14:]} for figure in (shown, hidden)]
    assert len(colors[0]) == len(colors[1]) == 1 and colors[0] != colors[1]
    names = [text.get_text() for text in shown.legends[0].get_texts()]
    assert set(names) == set(BONES)


def test_a_comparison_has_a_row_for_each_image_with_truth_and_prediction():
    scenes = Scenes("easy", "val").draw(2)
    images, truths = [each.image for each in scenes], [each.instances for each in scenes]
    figure = draw_instance_comparison(images, truths, [Instances.empty()] * 2, scenes.classes)
    assert len(figure.axes) == 6
    assert [axis.get_title() for axis in figure.axes[:3]] == ["input", "ground truth", "prediction"]
    drawn = [sum(isinstance(patch, Rectangle) for patch in axis.patches) for axis in figure.axes]
    assert drawn == [0, 2 * len(truths[0]), 0, 0, 2 * len(truths[1]), 0]


def test_what_no_prediction_has_is_left_out_of_the_ground_truth():
    box = [[5, 3, 50, 35]]
    truth = Instances(box, [2], masks=np.ones((1, 40, 60), bool), keypoints=person())
    boxes = draw_instance_comparison([GRAY], [truth], [Instances(box, [2], scores=[1])], CLASSES)
    assert not boxes.legends and not boxes.axes[1].lines
    assert np.ptp(boxes.axes[1].images[0].get_array()) == 0  # no tint of a mask
    joints = draw_instance_comparison([GRAY], [truth], [Instances(box, [2], scores=[1], keypoints=person())], CLASSES)
    assert joints.legends and joints.axes[1].lines
