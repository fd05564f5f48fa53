"""Pictures of anchors, matches and proposals: what they tell is so."""

import numpy as np
import pytest

from minivision.data.instances import Instances
from minivision.detection import anchor_grid, best_ious, match_instances
from minivision.viz import (
    draw_anchor_matches,
    draw_anchor_recall,
    draw_anchors,
    draw_positives_per_object,
    draw_proposals,
)

IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
ANCHORS = anchor_grid((6, 8), 8, (12, 24), (0.5, 1, 2), offset=0.5)


@pytest.fixture
def truth():
    boxes = [[4, 6, 18, 18], [30, 10, 55, 40], [40, 2, 60, 12]]
    return Instances(boxes, [1, 2, 1], crowd=np.array([False, False, True]))


def rectangles(axis):
    return np.array([patch.get_bbox().extents for patch in axis.patches])


def saved(figure, tmp_path):
    figure.savefig(tmp_path / "figure.png")
    return (tmp_path / "figure.png").stat().st_size > 3000


def test_the_anchors_of_a_place_are_drawn_there(tmp_path):
    figure = draw_anchors(IMAGE, ANCHORS, (2, 5), map_size=(6, 8))
    axis = figure.axes[0]
    np.testing.assert_allclose(rectangles(axis), ANCHORS.reshape(6, 8, 6, 4)[2, 5], atol=1e-4)
    assert len(axis.lines[0].get_xdata()) == 48 and axis.lines[0].get_xdata().max() == 60
    assert saved(figure, tmp_path)


@pytest.mark.parametrize(("place", "map_size"), [((6, 0), (6, 8)), ((0, -1), (6, 8)), ((0, 0), (7, 8))])
def test_a_place_off_the_map_is_refused(place, map_size):
    with pytest.raises(ValueError, match="place|anchors"):
        draw_anchors(IMAGE, ANCHORS, place, map_size=map_size)


def test_matches_have_the_color_of_their_object_and_are_counted(truth, tmp_path):
    matches = match_instances(ANCHORS, truth, fg_iou_thresh=0.7, bg_iou_thresh=0.3)
    figure = draw_anchor_matches(IMAGE, ANCHORS, truth)
    axis = figure.axes[0]
    counts = [int((matches == k).sum()) for k in range(3)]
    assert counts[0] and counts[1] and counts[2] == 0
    title = f"{counts[0]} + {counts[1]} + 0 of 288 anchors matched, {(matches == -2).sum()} ignored"
    assert axis.get_title() == title
    count = sum(counts)
    np.testing.assert_allclose(rectangles(axis)[:count], ANCHORS[matches >= 0], atol=1e-4)
    colors = [patch.get_edgecolor() for patch in axis.patches]
    assert len(axis.patches) == count + 2 * 3 and len(set(colors[:count])) == 2
    for k, color in zip(matches[matches >= 0], colors[:count], strict=True):
        assert color == colors[count + 2 * k + 1]
    assert axis.patches[-1].get_linestyle() == "--" and saved(figure, tmp_path)


def test_recall_counts_the_objects_that_the_best_anchor_fits(truth, tmp_path):
    best = best_ious(ANCHORS, [truth, Instances.empty()])
    assert best.shape == (2,)  # without the crowd
    few = ANCHORS[:6]
    figure = draw_anchor_recall({"all": ANCHORS, "few": few, "none": ANCHORS[:0]}, [truth])
    lines = {line.get_label().split(" ")[0]: line.get_ydata() for line in figure.axes[0].lines}
    for threshold in (0, 30, 60, 90):
        assert lines["all"][threshold] == (best >= threshold / 100).mean()
    assert (lines["few"] <= lines["all"]).all() and lines["few"][60] == 0 and lines["none"][1] == 0
    assert saved(figure, tmp_path) and saved(draw_anchor_recall({"all": ANCHORS}, []), tmp_path)


def test_positives_are_counted_for_each_object_over_its_size(truth, tmp_path):
    figure = draw_positives_per_object(ANCHORS, [truth, truth[:1], Instances.empty()])
    line = figure.axes[0].lines[0]
    matches = match_instances(ANCHORS, truth, fg_iou_thresh=0.7, bg_iou_thresh=0.3)
    first, second = (matches == 0).sum(), (matches == 1).sum()
    assert line.get_ydata().tolist()[:2] == [first, second] and len(line.get_ydata()) == 3
    np.testing.assert_allclose(line.get_xdata()[:2], np.sqrt([14 * 12, 25 * 30]))
    assert figure.axes[0].get_title().startswith("3 objects") and saved(figure, tmp_path)
    assert saved(draw_positives_per_object(ANCHORS, []), tmp_path)


def test_proposals_are_drawn_before_and_after_suppression_with_what_they_find(truth, tmp_path):
    boxes = np.float32([[4, 6, 18, 18], [4, 6, 18, 19], [0, 30, 10, 40], [40, 2, 60, 12]])
    scores = np.float32([0.5, 0.9, 0.2, 0.7])
    figure = draw_proposals(IMAGE, boxes, scores, truth)
    before, after = figure.axes
    assert before.get_title() == "4 before: 1 of 2 found" and after.get_title() == "3 after suppression: 1 of 2 found"
    np.testing.assert_allclose(rectangles(after)[3:], boxes[[2, 3, 1]])  # the best on top
    strength = [patch.get_alpha() for patch in after.patches[3:]]
    np.testing.assert_allclose(strength, 0.1 + 0.9 * scores[[2, 3, 1]])
    assert saved(figure, tmp_path)
    assert draw_proposals(IMAGE, boxes[:0], scores[:0]).axes[0].get_title() == "0 before"
