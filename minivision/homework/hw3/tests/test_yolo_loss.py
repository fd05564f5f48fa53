"""YOLO's loss, and which box is responsible for an object."""

import numpy as np
import pytest

from minivision.homework.expected import expect

# ---- 3.7: which box is responsible ----------------------------------------------------------------------------------


def one_cell(boxes, classes=(1,), S=(1, 1), cell=(0, 0)):
    """Return a tensor of one image in which a single cell holds something."""
    tensor = np.zeros((1, *S, 5 * len(boxes) + len(classes)))
    tensor[(0, *cell)] = np.concatenate([*map(np.ravel, boxes), classes])
    return tensor


LARGE, SMALL = (0.5, 0.5, 0.8, 0.8, 1), (0.5, 0.5, 0.2, 0.2, 1)  # x, y, w, h, confidence
NOTHING = (0, 0, 0, 0, 0)


def says(x, y, w, h, confidence=0.3):
    """Return what a network says of a box: roots for w and h."""
    return x, y, w**0.5, h**0.5, confidence


@pytest.mark.task("3.7")
def test_the_box_that_overlaps_most_is_responsible(student):
    # the cell's second box covers the object exactly, its first one only a quarter of it
    outputs = one_cell([says(0.5, 0.5, 0.4, 0.4), says(0.5, 0.5, 0.8, 0.8)], (0.6,))
    target, weight = student.yolo_targets(outputs, one_cell([LARGE, NOTHING]), 2)
    first, second = (5, 5, 5, 5, 1), (0, 0, 0, 0, 0.5)
    expect(
        "how much each number of the cell counts",
        np.asarray(weight)[0, 0, 0],
        [*second, *first, 1],
        [
            (
                [*first, *second, 1],
                "The second box overlaps the object more: that one is responsible, not always the first.",
            ),
            ([*first, *first, 1], "Only one box is responsible for an object."),
            (
                [*NOTHING, *first, 1],
                "The confidence of a box that is not responsible counts too, no_object, also in a cell with an object.",
            ),
            ([*second, *first, 0], "In a cell with an object the class probabilities count 1."),
            ([*second, 5, 5, 5, 5, 0.5, 1], "The confidence of a responsible box counts 1."),
            ([*second, 5, 5, 5, 5, 5, 1], "The confidence of a responsible box counts 1, not as its coordinates do."),
            ([*second, 5, 5, 1, 1, 1, 1], "`coordinates` counts for w and h as well as for x and y."),
            ([*second, 5, 5, 5, 5, 1, 5], "The class probabilities count 1, not as the coordinates do."),
        ],
    )
    root = 0.8**0.5
    right = [*NOTHING, 0.5, 0.5, root, root, 1, 1]
    expect(
        "what the cell should say",
        np.asarray(target)[0, 0, 0],
        right,
        [
            (
                [*NOTHING, 0.5, 0.5, 0.8, 0.8, 1, 1],
                "The network says the square roots of w and h: the roots are the target.",
            ),
            (
                [0.5, 0.5, root, root, 0.25, *NOTHING, 1],
                "The second box overlaps the object more: that one is responsible.",
            ),
            ([0.5, 0.5, root, root, 0.25, 0.5, 0.5, root, root, 1, 1], "Only one box is responsible for an object."),
            (
                [*NOTHING, 0.5, 0.5, root, root, 1, 0],
                "In a cell with an object the class probabilities are those of the truth.",
            ),
        ],
    )


@pytest.mark.task("3.7")
def test_the_confidence_should_be_the_overlap(student):
    # the box covers a quarter of the object: half as wide, half as high, around the same centre
    target, _ = student.yolo_targets(one_cell([says(0.5, 0.5, 0.4, 0.4)], (0.6,)), one_cell([LARGE]), 1)
    expect(
        "the confidence that this box should have, the IoU",
        np.asarray(target)[0, 0, 0, 4],
        0.25,
        [
            (1, "The confidence should be the IoU of what was said with the object, not 1."),
            (0.3, "The confidence should be the IoU of what was said with the object, not what was said."),
            (0.625, "The outputs are the roots of w and h: square them before you compare boxes."),
            (
                0.5,
                "The outputs are the roots of w and h: square them before you compare boxes; not the truth.",
            ),
        ],
    )
    # in a grid of 2 x 4 cells a step of half a cell to the right is an eighth of the image, a quarter of this object
    grid = {"S": (2, 4), "cell": (1, 2)}
    target, _ = student.yolo_targets(
        one_cell([says(0.75, 0.5, 0.5, 0.5)], (0.6,), **grid), one_cell([(0.25, 0.5, 0.5, 0.5, 1)], **grid), 1
    )
    expect(
        "the IoU of two boxes of half the image, half a cell apart in 2 x 4 cells",
        np.asarray(target)[0, 1, 2, 4],
        0.6,
        [
            (
                0,
                "x and y are parts of a cell, w and h parts of the image: divide x by the columns, y by the rows.",
            ),
            (1 / 3, "x is divided by the number of columns, y by that of the rows: they are swapped."),
        ],
    )


@pytest.mark.task("3.7")
def test_each_object_of_a_cell_takes_another_box(student):
    # both boxes say the same, so the large object takes the first and the small one what is left
    said = says(0.5, 0.5, 0.8, 0.8)
    target, weight = student.yolo_targets(one_cell([said, said], (0.6,)), one_cell([LARGE, SMALL]), 2)
    expect(
        "how much both boxes of a cell with two objects count",
        np.asarray(weight)[0, 0, 0, :10],
        2 * [5, 5, 5, 5, 1],
        [
            (
                [5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5],
                "Both objects have taken the same box: a box that is taken is not free for the next.",
            ),
            (
                [0, 0, 0, 0, 0.5, 5, 5, 5, 5, 1],
                "Both objects have taken the same box: of boxes that overlap equally the first is taken.",
            ),
        ],
    )
    roots = np.sqrt([0.8, 0.8, 0.2, 0.2])
    expect(
        "the roots of the sizes that both boxes should say",
        np.asarray(target)[0, 0, 0, [2, 3, 7, 8]],
        roots,
        [
            (
                roots[[2, 3, 0, 1]],
                "The first object of the cell, the largest, chooses first; of boxes alike it takes the first.",
            ),
            (roots**2, "The network says the square roots of w and h: the roots are the target."),
        ],
    )


@pytest.mark.task("3.7")
def test_a_cell_without_objects_has_nothing_but_its_confidences_to_learn(student):
    outputs = one_cell([says(0.5, 0.5, 0.4, 0.4), says(0.5, 0.5, 0.8, 0.8)], (0.6,))
    target, weight = student.yolo_targets(outputs, np.zeros_like(outputs), 2)
    expect("what a cell without objects should say", np.asarray(target)[0, 0, 0], np.zeros(11))
    right = np.array([0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0])
    expect(
        "how much each number of a cell without objects counts",
        np.asarray(weight)[0, 0, 0],
        right,
        [
            (
                0 * right,
                "The confidences of a cell without objects count no_object, or boxes would be found everywhere.",
            ),
            (
                2 * right,
                "The confidences of a cell without objects count no_object, 0.5, or they would outweigh all else.",
            ),
            ([0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 1], "The class probabilities of a cell without objects do not count."),
            ([5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 0], "Where no object is, no box is responsible."),
            ([5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 1], "Where no object is, no box is responsible."),
        ],
    )


@pytest.mark.task("3.7")
def test_responsibilities_of_all_kinds(student):
    student.check("yolo_targets")


# ---- 3.8: YOLO's loss -----------------------------------------------------------------------------------------------


TARGET = np.array([[[[0.5, 0.5, 0.5, 0.5, 0.0, 0, 0, 0, 0, 0, 1]]]])  # one cell, two boxes, one class
WEIGHT = np.array([[[[5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 1.0]]]])  # the first box is responsible


@pytest.mark.task("3.8")
def test_every_number_costs_its_weighted_square(student):
    outputs = TARGET + np.array([0.1, 0, 0, 0.2, 0.3, 9, 9, 9, 9, 0.4, 0.5])
    loss, *parts, doutputs = student.yolo_loss(outputs, TARGET, WEIGHT, 2)
    boxes, objects, no_objects, classes = parts
    expect(
        "the loss of the coordinates, 5 * (0.1 ** 2 + 0.2 ** 2)",
        boxes,
        0.25,
        [
            (0.05, "The weight is missing: coordinates count 5 times."),
            (
                324.05,
                "The weight is missing: coordinates count 5 times, and nothing where a box is not responsible.",
            ),
            (1.25, "The weight is squared: it multiplies the square of the error."),
            (0.125, "There is no 1/2 in this loss."),
            (1.5, "The errors are squared, and their signs do not matter."),
            (0.0625, "It is a sum, not a mean."),
            (0.34, "The confidences have parts of their own: box_loss is that of x, y, w and h."),
            (0.42, "The confidences have parts of their own: box_loss is that of x, y, w and h."),
        ],
    )
    expect(
        "the loss of the confidence of the responsible box, 0.3 ** 2",
        objects,
        0.09,
        [
            (0.08, "The parts are the wrong way round: the box whose x counts is responsible."),
            (0, "A box is responsible if its x counts (its weight is above 0), whatever confidence it should have."),
            (0.17, "The confidences of boxes that are not responsible belong to no_object_loss."),
            (0.3, "The errors are squared."),
        ],
    )
    expect(
        "the loss of the confidence of the other box, 0.5 * 0.4 ** 2",
        no_objects,
        0.08,
        [
            (0.09, "The parts are the wrong way round: the box whose x counts is responsible."),
            (0.17, "A box is responsible if its x counts (its weight is above 0), whatever confidence it should have."),
            (0.16, "The weight is missing: confidences of such boxes count one half."),
        ],
    )
    expect(
        "the loss of the class, 0.5 ** 2",
        classes,
        0.25,
        [
            (0.33, "The class probabilities begin behind all boxes, at 5 * B."),
            (0, "The class probabilities begin behind all boxes, at 5 * B."),
        ],
    )
    total = 0.25 + 0.09 + 0.08 + 0.25
    expect(
        "the loss in all",
        loss,
        total,
        [
            (total - 0.25, "The loss is the sum of all four parts: one is missing, or stands twice."),
            (total - 0.09, "The loss is the sum of all four parts: that of the objects is missing."),
            (total - 0.08, "The loss is the sum of all four parts: that of boxes without an object is missing."),
            (total / 2, "There is no 1/2 in this loss."),
        ],
    )
    right = 2 * (WEIGHT * (outputs - TARGET))
    expect(
        "the gradient",
        doutputs,
        right,
        [
            (right / 2, "The derivative of x * x is 2 * x: a factor 2 is missing."),
            (-right, "The sign is wrong: the error is outputs - target."),
            (2 * (outputs - TARGET), "The weight is missing in the gradient."),
            (WEIGHT * right, "The weight is there twice."),
        ],
    )


@pytest.mark.task("3.8")
def test_it_is_averaged_over_the_images(student):
    outputs, target, weight = (np.repeat(each, 4, axis=0) for each in (TARGET + 0.1, TARGET, WEIGHT))
    loss, *_, doutputs = student.yolo_loss(outputs, target, weight, 2)
    one = 5 * 0.04 + 0.01 + 0.005 + 0.01
    expect(
        "the loss of four images that are alike",
        loss,
        one,
        [
            (4 * one, "It is averaged over the images: divide by their number."),
            (one / 11, "It is averaged over the images alone: summed over the cells and all numbers of a cell."),
        ],
    )
    expect(
        "the gradient of x in the first image",
        np.asarray(doutputs)[0, 0, 0, 0],
        5 * 0.2 / 4,
        [(5 * 0.2, "It is averaged over the images: divide the gradient by their number too.")],
    )


@pytest.mark.task("3.8")
def test_losses_of_all_kinds(student):
    student.check("yolo_loss")
