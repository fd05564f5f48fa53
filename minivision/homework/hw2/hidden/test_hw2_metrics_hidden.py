"""Graded tests of average precision: random rankings, never near an edge where rounding would decide."""

import numpy as np
import pytest

from minivision import ops
from minivision.metrics.precision_recall import average_precision_of_class


def random_class(rng, images, objects):
    """Return detections and objects of a class: some objects are found, some twice, some not at all.

    Objects come in pairs that overlap, so that a detection of one that is taken may find the other one.

    The number of objects divides no number of hundredths, so that no recall but 1 is one of the 101; and no IoU is near
    one of the thresholds of the tests.
    """
    corner = rng.uniform(0, 60, (objects, 2))
    truth = np.concatenate([corner, corner + rng.uniform(15, 30, (objects, 2))], axis=1)
    where = rng.integers(0, images, objects)
    half = objects // 2
    truth[:half] = truth[half : 2 * half] + rng.uniform(-2, 2, (half, 4))
    where[:half] = where[half : 2 * half]
    chosen = rng.integers(0, objects, 3 * objects)
    boxes = truth[chosen] + rng.normal(0, 2.5, (len(chosen), 4))
    found_in = where[chosen]
    moved = rng.random(len(chosen)) < 0.2  # in an image where they may find nothing
    found_in[moved] = rng.integers(0, images, moved.sum())
    near = ops.box_iou(boxes, truth)
    clear = (np.abs(near[:, :, None] - [0.4, 0.5, 0.6, 0.75]) > 1e-3).all(axis=(1, 2))
    scores = rng.permutation(len(boxes)) / len(boxes)
    return boxes[clear], scores[clear], found_in[clear], truth, where


def compare(student, seed, images, objects, **options):
    for k in range(4):
        case = random_class(np.random.default_rng([student.seed, seed, k]), images, objects)
        got, right = student.average_precision_of_class(*case, **options), average_precision_of_class(*case, **options)
        assert np.isclose(got, right, rtol=1e-6), f"expected {right:.6f}, got {got}"


@pytest.mark.task("2.11", points=2)
def test_one_image(student):
    compare(student, 1, images=1, objects=7)


@pytest.mark.task("2.11", points=2)
def test_many_images(student):
    compare(student, 2, images=5, objects=13)


@pytest.mark.task("2.11", points=2)
def test_other_thresholds(student):
    for number, threshold in enumerate((0.4, 0.6, 0.75)):
        compare(student, 3 + number, images=3, objects=11, iou_threshold=threshold)
    # An IoU of exactly the threshold: of boxes so large that a small number added to the union is rounded away.
    objects = 2.0**20 * np.array([[0, 0, 1, 1], [2, 0, 3, 1], [4, 0, 5, 1]])
    halves = objects - 2.0**20 * np.array([0, 0, 0.5, 0])
    case = halves, np.array([0.9, 0.8, 0.7]), np.zeros(3, int), objects, np.zeros(3, int)
    got = student.average_precision_of_class(*case, iou_threshold=0.5)
    assert np.isclose(got, 1), f"expected 1, got {got}"
