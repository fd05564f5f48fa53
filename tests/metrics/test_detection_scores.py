"""The confusion matrix of detections, the best score, and calibration: by hand, and equal to hotcoco."""

import numpy as np
import pytest
from test_detection_errors import FAR, LOW, A, B, errors_of, names, random_images

from minivision.bench.average_precision import coco_ground_truth, coco_results
from minivision.data import Instances
from minivision.metrics import detection_errors


def test_confusion_by_hand():
    objects = [(1, A), (2, B), (2, FAR)]
    detections = [(1, A, 0.9), (2, A, 0.8), (1, B, 0.7), (1, (90, 90, 95, 95), 0.6), (2, FAR, 0.4)]
    errors = errors_of(objects, detections)
    assert errors.confusion(0.5).tolist() == [[0, 1, 1], [0, 1, 0], [1, 1, 0]]  # rows: true; columns: detected
    assert errors.confusion(0.4).tolist() == [[0, 1, 1], [0, 1, 0], [0, 1, 1]]
    assert errors.confusion(1.0).tolist() == [[0, 0, 0], [1, 0, 0], [2, 0, 0]]


def test_the_best_score_takes_the_object_whatever_its_class():
    errors = errors_of([(1, A)], [(1, A, 0.8), (2, (0, 0, 20, 15), 0.9)])
    assert errors.confusion(0.5).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_confusion_leaves_out_what_is_in_crowds():
    truth = Instances([(0, 0, 100, 100)], [1], crowd=[True])
    prediction = Instances([A, FAR], [1, 1], scores=[0.9, 0.8])
    errors = detection_errors([truth], [prediction], names(1))
    assert errors.confusion(0.5).tolist() == [[0, 1], [0, 0]]


@pytest.mark.parametrize("seed", range(20))
def test_confusion_agrees_with_hotcoco(seed):
    """Without crowds, which hotcoco counts, and without ties, whose order it does not say."""
    hotcoco = pytest.importorskip("hotcoco", reason="hotcoco is the oracle")
    truths, predictions, classes = random_images(seed)
    truth = coco_ground_truth(truths, classes + 1, "hotcoco")
    evaluation = hotcoco.COCOeval(truth, coco_results(truth, predictions, "box"), "bbox")
    theirs = evaluation.confusion_matrix(max_det=1000, min_score=0.5)["matrix"].astype(int)
    ours = detection_errors(truths, predictions, names(classes)).confusion(0.5)
    np.testing.assert_array_equal(ours, np.roll(theirs, 1, (0, 1)))  # theirs has the background last


def test_score_curve_by_hand():
    errors = errors_of([(1, A), (1, B)], [(1, A, 0.9), (1, FAR, 0.6), (1, B, 0.6), (1, LOW, 0.3)], classes=2)
    curve = errors.score_curves()["class 0"]
    assert list(errors.score_curves()) == ["class 0"]  # the other has no objects
    np.testing.assert_allclose(curve.scores, [0.9, 0.6, 0.3], rtol=1e-6)  # equal scores count together
    np.testing.assert_allclose(curve.precision, [1, 2 / 3, 1 / 2])
    np.testing.assert_allclose(curve.recall, [1 / 2, 1, 1])
    np.testing.assert_allclose(curve.f1, [2 / 3, 4 / 5, 2 / 3])
    assert curve.best == pytest.approx({"score": 0.6, "precision": 2 / 3, "recall": 1, "f1": 0.8})


def test_nothing_detected_has_no_best_score():
    best = errors_of([(1, A)], [], classes=1).score_curves()["class 0"].best
    assert np.isnan(best["score"])
    assert best["f1"] == 0


def test_nothing_right_has_f1_zero():
    best = errors_of([(1, A)], [(1, FAR, 0.5)], classes=1).score_curves()["class 0"].best
    assert best == pytest.approx({"score": 0.5, "precision": 0, "recall": 0, "f1": 0})


def test_calibration_by_hand():
    detections = [(1, A, 1.0), (1, FAR, 0.75), (1, B, 0.5), (1, LOW, 0.25)]
    calibration = errors_of([(1, A), (1, B)], detections).calibration(bins=2)
    assert calibration.counts.tolist() == [1, 3]  # an edge belongs to the interval above it, 1 to the last
    np.testing.assert_allclose(calibration.confidence, [0.25, 0.75])
    np.testing.assert_allclose(calibration.precision, [0, 2 / 3])
    assert calibration.error == pytest.approx((1 * 0.25 + 3 * (0.75 - 2 / 3)) / 4)


def test_no_detections_have_no_calibration():
    calibration = errors_of([(1, A)], []).calibration()
    assert np.isnan(calibration.error)
    assert np.isnan(calibration.precision).all()


def test_scores_that_are_no_probabilities():
    errors = errors_of([(1, A)], [(1, A, 7.0)])
    with pytest.raises(ValueError, match="scores from 7 to 7 are no probabilities"):
        errors.calibration()
