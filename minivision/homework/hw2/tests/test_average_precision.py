"""Average precision of one class at one IoU."""

import numpy as np
import pytest

from minivision.homework.expected import expect

A, B, C, D = [0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [60, 0, 70, 10]
NOWHERE = [80, 80, 90, 90]
WITHOUT_MISTAKES = (
    "the precision is 1 in spite of a false positive: it counts, and the best precision is that at a recall or beyond, "
    "not before"
)
HUNDRED = "these are the 100 recalls 0, .01, ... .99: a recall of 1 is one of the 101, np.linspace(0, 1, 101)"


def average(student, detections, objects, scores=None, images=None, object_images=None, **options):
    """Return the student's average precision; by default of one image, with the best detection first."""
    scores = np.linspace(0.9, 0.5, len(detections)) if scores is None else np.array(scores)
    images = np.zeros(len(detections), int) if images is None else np.array(images)
    object_images = np.zeros(len(objects), int) if object_images is None else np.array(object_images)
    boxes, objects = np.array(detections, float), np.array(objects, float)
    return student.average_precision_of_class(boxes, scores, images, objects, object_images, **options)


@pytest.mark.task("2.11")
def test_two_of_two_objects(student):
    expect("the average precision of two objects found, and nothing else", average(student, [A, B], [A, B]), 1)


@pytest.mark.task("2.11")
def test_recalls_that_are_not_reached(student):
    # Right, right, wrong, right, of four objects: precision 1 up to a recall of .5, then 3/4 up to .75.
    got = average(student, [A, B, NOWHERE, C], [A, B, C, D])
    mistakes = [
        (0.6875, "this is the area under the curve: take the mean of the precision at the 101 recalls 0, .01, ... 1"),
        (0.6818, "these are 11 recalls: take 101"),
        (0.6975, HUNDRED),
        (0.8762, "at recalls that are not reached the precision is 0"),
        (0.9381, "at recalls that are not reached the precision is 0"),
        (0.9178, "recall is the fraction of all objects that are found, not of those that will be found"),
        (0.9158, "recall is the fraction of all objects that are found, not of those that will be found"),
        (0.7525, WITHOUT_MISTAKES),
        (0.564356, "precision is the fraction of the detections so far, not of all detections"),
        (0.25, "recall or precision is counted over the wrong number"),
    ]
    expect("the average precision of right, right, wrong, right with four objects", got, 0.690594, mistakes, atol=1e-4)


@pytest.mark.task("2.11")
def test_the_best_precision_at_a_recall_or_beyond(student):
    # Right, wrong, right, right, of four objects: the precision is 1, 1/2, 2/3, 3/4.
    got = average(student, [A, NOWHERE, B, C], [A, B, C, D])
    mistakes = [
        (0.608086, "the precision is not interpolated: at each recall take the best one at this recall or beyond"),
        (0.554455, "the precision is not interpolated: at each recall take the best one at this recall or beyond"),
        (0.752475, WITHOUT_MISTAKES),
        (0.625, "this is the area under the curve: take the mean of the precision at the 101 recalls 0, .01, ... 1"),
        (0.635, HUNDRED),
    ]
    expect("the average precision of right, wrong, right, right with four objects", got, 0.628713, mistakes, atol=1e-4)


@pytest.mark.task("2.11")
def test_the_best_score_comes_first(student):
    # As above, right, wrong, right, right by their scores, but given in another order.
    got = average(student, [C, B, NOWHERE, A], [A, B, C, D], scores=[0.5, 0.6, 0.7, 0.8])
    mistakes = [
        (0.690594, "the detections are taken as they come, or from the worst on: sort them, the best score first"),
        (0.752475, WITHOUT_MISTAKES),
    ]
    expect("the average precision of four detections that are not sorted", got, 0.628713, mistakes, atol=1e-4)


@pytest.mark.task("2.11")
def test_an_object_that_is_found_twice(student):
    # Wrong, right, an object for the second time, right, of two objects: the precision is 0, 1/2, 1/3, 1/2.
    got = average(student, [NOWHERE, A, [1, 0, 11, 10], B], [A, B])
    twice = "the second detection of an object is a false positive: it is neither right, nor left out"
    mistakes = [
        (0.75, twice),
        (0.666667, twice),
        (0.252475, "recall is the fraction of all objects that are found, not of all detections"),
        (0, "after a false positive the other detections still count"),
    ]
    expect("the average precision of a mistake, an object found twice, and another", got, 0.5, mistakes, atol=1e-4)


@pytest.mark.task("2.11")
def test_an_object_of_another_image(student):
    # Image 0 has A, image 1 has B; the best detection is at the place of B, but in image 0.
    got = average(student, [B, A, B, NOWHERE], [A, B], images=[0, 0, 1, 0], object_images=[0, 1])
    mistakes = [
        (1, "a detection finds objects of its own image only"),
        (0.75, "there is one ranking for all images, not a mean over the images"),
    ]
    expect("the average precision of four detections in two images", got, 2 / 3, mistakes)


@pytest.mark.task("2.11")
def test_the_best_object_that_is_still_free(student):
    # Two objects overlap. The first detection takes the left one, and the second lies on both.
    got = average(student, [[0, 0, 10, 10], [1, 0, 11, 10]], [[0, 0, 10, 10], [3, 0, 13, 10]])
    mistakes = [(0.504950, "the second detection takes the best object that is still free, not the best of all")]
    expect("the average precision of two detections on two objects side by side", got, 1, mistakes, atol=1e-4)
    # The first detection lies on the second object, and near the first one, which the second detection needs.
    got = average(student, [[0, 0, 10, 10], [5, 0, 15, 10]], [[3, 0, 13, 10], [0, 0, 10, 10]])
    mistakes = [(0.504950, "a detection takes the object with the largest IoU, not the first one that is near enough")]
    expect(
        "the average precision of two detections, of which the first overlaps both objects", got, 1, mistakes, atol=1e-4
    )


@pytest.mark.task("2.11")
def test_the_threshold(student):
    # An IoU of 2/3.
    got = average(student, [[2, 0, 12, 10]], [[0, 0, 10, 10]], iou_threshold=0.75)
    expect("the average precision at an IoU of .75", got, 0, [(1, "use iou_threshold, which is not always .5")])
    got = average(student, [[2, 0, 12, 10]], [[0, 0, 10, 10]], iou_threshold=0.6)
    expect("the average precision at an IoU of .6", got, 1, [(0, "an IoU of 2/3 is enough")])
    # Boxes so large that a small number added to the union, against division by zero, is rounded away.
    got = average(student, [[0, 0, 2**20, 2**20]], [[0, 0, 2**20, 2**19]])
    expect("the average precision at an IoU of exactly .5", got, 1, [(0, "an IoU equal to iou_threshold is enough")])
