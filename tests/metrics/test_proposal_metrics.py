"""Evaluation of proposals, compared with values computed by hand."""

import numpy as np
import pytest

from minivision.data.instances import Instances
from minivision.metrics import evaluate_proposals, proposal_recall

CLASSES = ("background", "cat", "dog", "cow")


@pytest.fixture
def case():
    """Two images with two cats and a dog; their best boxes are number 2, none, and number 3."""
    truths = [
        Instances([[0, 0, 10, 10], [20, 0, 30, 10]], [1, 2]),
        Instances([[0, 0, 10, 10], [50, 50, 90, 90]], [1, 1], crowd=[False, True]),
    ]
    proposals = [
        np.array([[0, 0, 10, 4], [0, 0, 10, 8], [20, 0, 30, 10]], np.float32),  # cat .4 then .8, dog 1 at last
        np.array([[50, 50, 90, 90]], np.float32),  # the crowd, which does not count
    ]
    return truths, proposals


def test_recall_and_best_overlaps_are_as_computed_by_hand(case):
    metrics = evaluate_proposals(*case, CLASSES, counts=(1, 2))
    assert metrics["recall"] == pytest.approx({1: 0, 2: 1 / 3, None: 2 / 3})
    # cats: (.4 + 0) / 2 with the first box, (.8 + 0) / 2 with two; the dog: 0, 0, 1. Cows do not occur.
    assert metrics["mabo"] == pytest.approx({1: (0.2 + 0) / 2, 2: (0.4 + 0) / 2, None: (0.4 + 1) / 2})
    assert metrics["classes"]["cat"] == pytest.approx({"abo": 0.4, "recall": 0.5, "objects": 2})
    assert metrics["classes"]["dog"] == pytest.approx({"abo": 1, "recall": 1, "objects": 1})
    assert np.isnan(metrics["classes"]["cow"]["abo"]) and metrics["classes"]["cow"]["objects"] == 0
    assert (metrics["images"], metrics["objects"], metrics["boxes"]) == (2, 3, 2)


def test_the_recall_curve_rises_where_an_object_is_first_covered(case):
    np.testing.assert_allclose(proposal_recall(*case), [0, 1 / 3, 2 / 3])
    np.testing.assert_allclose(proposal_recall(*case, iou=0.4), [1 / 3, 1 / 3, 2 / 3])  # .4 is enough here
    np.testing.assert_allclose(proposal_recall(*case, iou=0.85), [0, 0, 1 / 3])


def test_the_curve_and_the_table_agree(rng):
    truths, proposals = [], []
    for _ in range(7):
        corners = rng.uniform(0, 50, (2, 30, 2))
        truths.append(Instances(np.concatenate([corners[0, :4], corners[0, :4] + 20], axis=1), [1, 1, 2, 3]))
        proposals.append(np.concatenate([corners[1], corners[1] + rng.uniform(15, 25, (30, 2))], axis=1))
    metrics = evaluate_proposals(truths, proposals, CLASSES, counts=(1, 5, 20))
    curve = proposal_recall(truths, proposals)
    assert [metrics["recall"][count] for count in (1, 5, 20, None)] == pytest.approx(curve[[0, 4, 19, 29]])
    assert 0 < curve[4] < curve[29] and (np.diff(curve) >= 0).all()


def test_without_boxes_recall_is_zero_and_without_objects_nan():
    empty = Instances.empty()
    one = Instances([[0, 0, 9, 9]], [1])
    none = np.zeros((0, 4), np.float32)
    metrics = evaluate_proposals([one, empty], [none, none], CLASSES)
    assert metrics["recall"][None] == metrics["mabo"][100] == 0 and proposal_recall([one], [none]).shape == (0,)
    assert np.isnan(evaluate_proposals([empty], [np.ones((2, 4))], CLASSES)["recall"][100])
    assert np.isnan(proposal_recall([empty], [np.ones((2, 4))])).all()
    assert evaluate_proposals([], [], CLASSES)["images"] == 0


def test_different_numbers_of_images_are_an_error(case):
    with pytest.raises(ValueError, match="objects of 2 images, but proposals for 1"):
        evaluate_proposals(case[0], case[1][:1], CLASSES)
    with pytest.raises(ValueError, match="objects of 1 images, but proposals for 2"):
        proposal_recall(case[0][:1], case[1])
