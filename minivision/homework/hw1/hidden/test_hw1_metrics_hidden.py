"""Graded tests of the confusion matrix and of the IoU of classes: random label maps."""

import numpy as np
import pytest

from minivision.metrics.segmentation import class_iou, confusion_matrix


def maps(student, number, classes, unknown):
    """Return label maps of three images and predictions that are right for most pixels."""
    rng = np.random.default_rng([student.seed, number])
    truth = rng.integers(0, classes, (3, 8, 11))
    prediction = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, classes, truth.shape))
    return np.where(rng.random(truth.shape) < unknown, 255, truth).astype(np.uint8), prediction


def compare_counts(student, number, unknown):
    for classes in (2, 5):
        truth, prediction = maps(student, number, classes, unknown)
        arguments = truth, prediction, classes + 1  # the last class does not occur
        got, right = student.confusion_matrix(*arguments), confusion_matrix(*arguments)
        assert np.array_equal(got, right), f"expected\n{right}\ngot\n{got}"


def compare_iou(student, counts):
    got, right = np.asarray(student.class_iou(counts), float), class_iou(counts)
    assert np.allclose(got, right, rtol=1e-6, equal_nan=True), f"expected {right}, got {got}"


@pytest.mark.task("1.11", points=1)
def test_all_pixels_known(student):
    compare_counts(student, 1, unknown=0)


@pytest.mark.task("1.11", points=1)
def test_unknown_pixels(student):
    compare_counts(student, 2, unknown=0.2)


@pytest.mark.task("1.11", points=1)
def test_all_classes_occur(student):
    compare_iou(student, np.random.default_rng(student.seed).integers(1, 50, (6, 6)))


@pytest.mark.task("1.11", points=1)
def test_some_classes_do_not_occur(student):
    counts = np.random.default_rng(student.seed).integers(1, 50, (6, 6))
    counts[[1, 4]] = 0
    counts[:, [1, 4]] = 0
    compare_iou(student, counts)
