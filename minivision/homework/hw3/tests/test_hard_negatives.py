"""Hard negatives: which background boxes are trained on."""

import numpy as np
import pytest

from minivision.homework.expected import expect

BACKGROUND = np.array([[0.1, 0.9, 0.2, 0.6, 0.4, 0.8]])


def boxes(*numbers, images=1, count=6):
    """Return which boxes are chosen, given their numbers in the first image."""
    chosen = np.zeros((images, count), bool)
    chosen[0, list(numbers)] = True
    return chosen


@pytest.mark.task("3.13")
def test_two_for_each_object(student):
    # Box 0 has an object. Of the others, 2 and 4 have the lowest probability of background.
    chosen = student.choose_negatives(BACKGROUND, np.array([[2, 0, 0, 0, 0, 0]]), ratio=2)
    mistakes = [
        (boxes(1, 5), "these are the easiest: a hard box has a low probability of background"),
        (boxes(0, 2), "box 0 has an object: choose among background boxes only"),
        (boxes(0, 2, 4), "boxes with an object are not marked: only background boxes are"),
        (boxes(2, 3, 4), "use ratio, which is not always 3"),
        (boxes(1, 2, 3, 4, 5), "these are all background boxes: choose `ratio` for each box with an object"),
        (boxes(2), "choose `ratio` for each box with an object"),
        (boxes(1, 3), "the positions among the background boxes are not the numbers of boxes"),
        (boxes(2, 3, 4, 5), "the label is a class, not a number of objects"),
    ]
    expect("with one object and a ratio of 2, the chosen boxes", chosen, boxes(2, 4), mistakes)


@pytest.mark.task("3.13")
def test_the_lowest_of_all_however_high_they_are(student):
    background = np.array([[0.2, 0.3, 0.8, 0.4, 0.7, 0.9]])
    chosen = student.choose_negatives(background, np.array([[2, 0, 0, 0, 0, 0]]), ratio=3)
    mistakes = [
        (boxes(1, 3), "the number of chosen boxes is up to `ratio` alone: probabilities above 1/2 are chosen, too"),
    ]
    expect("with a ratio of 3 and the probabilities .3 .8 .4 .7 .9, the chosen boxes", chosen, boxes(1, 3, 4), mistakes)


@pytest.mark.task("3.13")
def test_each_image_by_itself(student):
    background = np.array([[0.9, 0.8, 0.7, 0.6], [0.4, 0.3, 0.2, 0.1]])
    chosen = student.choose_negatives(background, np.array([[1, 0, 0, 0], [0, 0, 0, 0]]), ratio=2)
    right = boxes(2, 3, images=2, count=4)
    from_both, in_second = np.zeros((2, 4), bool), right.copy()
    from_both[1, 2:] = True
    in_second[1, 2:] = True
    more = right.copy()
    more[1, 3] = True
    mistakes = [
        (from_both, "each image chooses among its own boxes, for its own objects"),
        (in_second, "the second image has no object, so none of its boxes is chosen"),
        (more, "the second image has no object, so none of its boxes is chosen"),
    ]
    expect("in two images of which one has an object, the chosen boxes", chosen, right, mistakes)


@pytest.mark.task("3.13")
def test_boxes_that_are_ignored(student):
    # Labels below 0: neither an object nor background.
    chosen = student.choose_negatives(BACKGROUND, np.array([[1, 0, -1, 0, 0, 0]]), ratio=2)
    mistakes = [
        (boxes(2, 4), "a box with a negative label is neither object nor background: it is never chosen"),
        (boxes(0, 2), "choose among the boxes with the label 0 only"),
        (boxes(1, 3, 4, 5), "a negative label is no object: count the labels above 0"),
    ]
    expect("with one ignored box, the chosen boxes", chosen, boxes(3, 4), mistakes)


@pytest.mark.task("3.13")
def test_fewer_background_boxes_than_wanted(student):
    chosen = student.choose_negatives(BACKGROUND, np.array([[1, 1, 2, 1, 0, 0]]), ratio=3)
    expect("with four objects and two background boxes, the chosen boxes", chosen, boxes(4, 5))


@pytest.mark.task("3.13")
def test_an_image_without_background(student):
    chosen = student.choose_negatives(BACKGROUND, np.ones((1, 6), int))
    mistakes = [(np.ones((1, 6), bool), "choose among background boxes only: there are none")]
    expect("with an object in every box, the chosen boxes", chosen, np.zeros((1, 6), bool), mistakes)
