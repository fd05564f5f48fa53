"""The pictures that explain average precision have the numbers of the metrics."""

import numpy as np
import pytest

from minivision.data import Instances
from minivision.metrics import average_precision
from minivision.metrics.average_precision import COCO_RECALLS, VOC11_RECALLS
from minivision.metrics.precision_recall import precision_recall
from minivision.viz import draw_interpolation, draw_ranked_detections

TRUTH = Instances([[0, 0, 10, 10], [20, 0, 30, 10]], [1, 1])
PREDICTION = Instances(  # by score: the third, the first, the second
    [[0, 0, 10, 9], [20, 0, 30, 4], [50, 50, 60, 60]], [1, 1, 1], scores=[0.6, 0.5, 0.9]
)


def cells(figure):
    return [text.get_text() for text in figure.axes[1].texts]


def test_the_table_is_in_the_order_of_the_scores():
    figure = draw_ranked_detections(TRUTH, PREDICTION)
    rows = np.reshape(cells(figure), (4, 6)).tolist()
    assert rows[0] == ["rank", "score", "best IoU", "at 0.5", "precision", "recall"]
    assert rows[1:] == [
        ["1", "0.90", "0.00", "false", "0/1 = 0.00", "0.00"],
        ["2", "0.60", "0.90", "true", "1/2 = 0.50", "0.50"],
        ["3", "0.50", "0.40", "false", "1/3 = 0.33", "0.50"],
    ]
    assert len(figure.axes[0].patches) == 5  # two objects, three detections
    named = draw_ranked_detections(TRUTH, PREDICTION, names="AB").axes[0].texts
    assert [text.get_text().strip() for text in named] == ["A", "B", "1", "2", "3"]
    at_low_iou = np.reshape(cells(draw_ranked_detections(TRUTH, PREDICTION, iou=0.3)), (4, 6))[1:, 3]
    assert at_low_iou.tolist() == ["false", "true", "true"]


def test_detections_in_a_crowd_are_ignored(tmp_path):
    crowd = Instances([*TRUTH.boxes, [45, 45, 70, 70]], [1, 1, 1], crowd=[False, False, True])
    figure = draw_ranked_detections(crowd, PREDICTION)
    rows = np.reshape(cells(figure), (4, 6))
    assert rows[1, 3] == "ignored" and rows[2, 4:].tolist() == ["1/1 = 1.00", "0.50"]
    figure.savefig(tmp_path / "ranked.png")


def test_what_cannot_be_ranked_together():
    with pytest.raises(ValueError, match="each class alone"):
        draw_ranked_detections(TRUTH.replace(labels=[1, 2]), PREDICTION)
    with pytest.raises(ValueError, match="expected 1 to 20 detections with scores, got 0"):
        draw_ranked_detections(TRUTH, Instances.empty(scores=True))


@pytest.mark.parametrize(("points", "protocol"), [(COCO_RECALLS, "coco"), (VOC11_RECALLS, "voc11")])
def test_the_title_is_the_average_precision(points, protocol, tmp_path):
    matched = np.array([False, True, False])
    figure = draw_interpolation(*precision_recall(matched, np.zeros(3, bool), 2), points)
    result = average_precision([TRUTH], [PREDICTION], ["background", "cat"], protocol=protocol)
    assert figure.axes[0].get_title("left") == f"the mean of the {len(points)} is {result.metrics['AP50']:.3f}"
    (taken,) = figure.axes[0].collections[1:]
    np.testing.assert_allclose(taken.get_offsets()[:, 0], points)
    np.testing.assert_allclose(taken.get_offsets()[:, 1], np.where(points <= 0.5, 0.5, 0))
    figure.savefig(tmp_path / "curve.png")


def test_no_detection_has_no_curve():
    with pytest.raises(ValueError, match="expected a value of each detection"):
        draw_interpolation(np.zeros(0), np.zeros(0), COCO_RECALLS)
