"""Graded tests of hard negatives: random probabilities, no two of them equal."""

import numpy as np
import pytest

from minivision.models.ssd import choose_negatives


def compare(student, number, objects, ignored=0.0, ratio=3):
    rng = np.random.default_rng([student.seed, 11, number])
    background = rng.permutation(4 * 60).reshape(4, 60) / 240
    labels = np.where(rng.random((4, 60)) < objects, rng.integers(1, 5, (4, 60)), 0)
    labels[rng.random((4, 60)) < ignored] = -1
    labels[0] = 0
    got, right = (
        student.choose_negatives(background, labels, ratio=ratio),
        choose_negatives(background, labels, ratio=ratio),
    )
    assert np.array_equal(got, right), f"chosen boxes: expected {np.argwhere(right).tolist()}"


@pytest.mark.task("3.13", points=1)
def test_three_for_each_object(student):
    compare(student, 1, objects=0.1)


@pytest.mark.task("3.13", points=1)
def test_other_ratios(student):
    compare(student, 2, objects=0.1, ratio=2)
    compare(student, 3, objects=0.05, ratio=5)


@pytest.mark.task("3.13", points=1)
def test_ignored_boxes(student):
    compare(student, 4, objects=0.1, ignored=0.3)


@pytest.mark.task("3.13", points=1)
def test_many_objects(student):
    compare(student, 5, objects=0.6)
