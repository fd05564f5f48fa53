"""The confusion matrix of a segmentation, and the IoU of each class."""

import numpy as np
import pytest

from minivision.homework.expected import expect


@pytest.mark.task("1.11")
def test_pixels_counted_by_hand(student):
    truth, prediction = np.array([[0, 0, 1], [1, 2, 2]]), np.array([[0, 1, 1], [1, 2, 0]])
    mistakes = [
        ([[1, 0, 1], [1, 2, 0], [0, 0, 1]], "rows are true classes, columns are predicted ones"),
        ([[1, 0, 0], [0, 2, 0], [0, 0, 1]], "pixels of a wrong class count too, beside the diagonal"),
        ([[0.5, 0.5, 0], [0, 1, 0], [0.5, 0, 0.5]], "count pixels, do not divide"),
        (
            [[1, 1, 0], [0, 1, 0], [1, 0, 1]],
            "a pair that occurs several times counts each time: `+=` with index arrays adds once",
        ),
        (np.array([[1, 1, 0], [0, 2, 0], [1, 0, 1]]) / 6, "count pixels, do not divide"),
    ]
    expect(
        "the pixels of six", student.confusion_matrix(truth, prediction, 3), [[1, 1, 0], [0, 2, 0], [1, 0, 1]], mistakes
    )


@pytest.mark.task("1.11")
def test_classes_that_do_not_occur_have_a_row_and_a_column(student):
    truth, prediction = np.array([0, 1]), np.array([0, 0])
    right = np.zeros((4, 4), int)
    right[0, 0] = right[1, 0] = 1
    expect("the pixels of two, with four classes", student.confusion_matrix(truth, prediction, 4), right)


@pytest.mark.task("1.11")
def test_pixels_of_unknown_class(student):
    truth, prediction = np.array([0, 255, 1, 255], np.uint8), np.array([0, 1, 1, 0])
    mistakes = [
        ([[1, 0], [1, 2]], "pixels that are 255 in the truth are not counted at all"),
        ([[2, 1], [0, 1]], "pixels that are 255 in the truth are not counted at all"),
    ]
    expect(
        "the pixels of four, two of them unknown",
        student.confusion_matrix(truth, prediction, 2),
        [[1, 0], [0, 1]],
        mistakes,
    )


@pytest.mark.task("1.11")
def test_intersection_over_union(student):
    # Class 0 has 4 true pixels and 3 predicted ones, 2 of them are both: 2 / (4 + 3 - 2).
    iou = student.class_iou(np.array([[2, 2, 0], [1, 3, 0], [0, 0, 1]]))
    mistakes = [
        ([2 / 4, 3 / 4, 1], "this is the fraction of the true pixels: divide by the union of true and predicted ones"),
        (
            [2 / 3, 3 / 5, 1],
            "this is the fraction of the predicted pixels: divide by the union of true and predicted ones",
        ),
        ([2 / 7, 3 / 9, 1 / 2], "the intersection is in the sum of rows and columns twice: subtract it once"),
        ([4 / 7, 6 / 9, 1], "this is the Dice coefficient: divide the intersection by the union"),
        ([2 / 9, 3 / 9, 1 / 9], "divide by the union of each class, not by all pixels"),
        (np.mean([2 / 5, 3 / 6, 1]), "return the IoU of each class, not their mean"),
    ]
    expect("the IoU of three classes", iou, [2 / 5, 3 / 6, 1], mistakes)


@pytest.mark.task("1.11")
def test_a_class_that_is_nowhere(student):
    iou = np.asarray(student.class_iou(np.array([[2, 0, 0], [0, 0, 0], [1, 0, 1]])))
    mistakes = [
        ([2 / 3, 0, 1 / 2], "a class that is neither true nor predicted anywhere has no IoU: NaN, not 0"),
        ([2 / 3, 1, 1 / 2], "a class that is neither true nor predicted anywhere has no IoU: NaN, not 1"),
        ([2 / 3, 1 / 2], "a class that is neither true nor predicted anywhere keeps its place: NaN"),
    ]
    shown = np.where(np.isnan(iou), -1, iou)
    expect("the IoU of three classes, of which one is nowhere (-1 stands for NaN)", shown, [2 / 3, -1, 1 / 2], mistakes)
