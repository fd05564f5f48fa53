"""The responsible boxes of YOLO, and its loss."""

import numpy as np
import pytest

from minivision.homework.expected import expect

# ---- 3.7: responsible boxes -----------------------------------------------------------------------------------------


def one_cell(boxes, classes=(1,), S=(1, 1), cell=(0, 0)):
    """Return a tensor of one image in which only one cell is not 0."""
    tensor = np.zeros((1, *S, 5 * len(boxes) + len(classes)))
    tensor[(0, *cell)] = np.concatenate([*map(np.ravel, boxes), classes])
    return tensor


LARGE, SMALL = (0.5, 0.5, 0.8, 0.8, 1), (0.5, 0.5, 0.2, 0.2, 1)  # x, y, w, h, confidence
NOTHING = (0, 0, 0, 0, 0)


def prediction(x, y, w, h, confidence=0.3):
    """Return the prediction of a network for a box: the square roots of w and h."""
    return x, y, w**0.5, h**0.5, confidence


@pytest.mark.task("3.7")
def test_the_box_with_the_largest_iou_is_responsible(student):
    # the second box of the cell is the object, the first one covers a quarter of it
    outputs = one_cell([prediction(0.5, 0.5, 0.4, 0.4), prediction(0.5, 0.5, 0.8, 0.8)], (0.6,))
    target, weight = student.yolo_targets(outputs, one_cell([LARGE, NOTHING]), 2)
    first, second = (5, 5, 5, 5, 1), (0, 0, 0, 0, 0.5)
    expect(
        "the weights of the cell",
        np.asarray(weight)[0, 0, 0],
        [*second, *first, 1],
        [
            (
                [*first, *second, 1],
                "The second box has the larger IoU with the object, so it is responsible.",
            ),
            ([*first, *first, 1], "Only one box is responsible for an object."),
            (
                [*NOTHING, *first, 1],
                "The weight of the confidence of other boxes is no_object, also in a cell with an object.",
            ),
            ([*second, *first, 0], "In a cell with an object the weight of the class probabilities is 1."),
            ([*second, 5, 5, 5, 5, 0.5, 1], "The weight of the confidence of a responsible box is 1."),
            ([*second, 5, 5, 5, 5, 5, 1], "The weight of the confidence of a responsible box is 1, not `coordinates`."),
            ([*second, 5, 5, 1, 1, 1, 1], "`coordinates` is the weight of w and h, not only of x and y."),
            ([*second, 5, 5, 5, 5, 1, 5], "The weight of the class probabilities is 1, not `coordinates`."),
        ],
    )
    root = 0.8**0.5
    right = [*NOTHING, 0.5, 0.5, root, root, 1, 1]
    expect(
        "the targets of the cell",
        np.asarray(target)[0, 0, 0],
        right,
        [
            (
                [*NOTHING, 0.5, 0.5, 0.8, 0.8, 1, 1],
                "The network predicts the square roots of w and h: the roots are the targets.",
            ),
            (
                [0.5, 0.5, root, root, 0.25, *NOTHING, 1],
                "The second box has the larger IoU with the object: it is responsible.",
            ),
            ([0.5, 0.5, root, root, 0.25, 0.5, 0.5, root, root, 1, 1], "Only one box is responsible for an object."),
            (
                [*NOTHING, 0.5, 0.5, root, root, 1, 0],
                "In a cell with an object the targets of the class probabilities are those of the ground truth.",
            ),
        ],
    )


@pytest.mark.task("3.7")
def test_boxes_are_compared_with_their_positions(student):
    # The first box lies elsewhere, the second one is smaller than the object and has its center, and the third has the
    # size of the object but lies a little beside it.
    predicted = [prediction(0.1, 0.1, 0.3, 0.3), prediction(0.5, 0.5, 0.15, 0.15), prediction(0.65, 0.5, 0.2, 0.2)]
    truth = one_cell([SMALL, NOTHING, NOTHING])
    _, weight = student.yolo_targets(one_cell(predicted, (0.6,)), truth, 3)
    expect(
        "the weights of x of the three boxes",
        np.asarray(weight)[0, 0, 0, [0, 5, 10]],
        [0, 5, 0],
        [
            ([5, 0, 0], "The box with the largest IoU is responsible: the first one does not even touch the object."),
            (
                [0, 0, 5],
                "The third box has the size of the object, but not its place: compare whole boxes, not sizes alone.",
            ),
        ],
    )


@pytest.mark.task("3.7")
def test_the_target_of_the_confidence_is_the_iou(student):
    # the box covers a quarter of the object: half as wide, half as high, with the same center
    target, _ = student.yolo_targets(one_cell([prediction(0.5, 0.5, 0.4, 0.4)], (0.6,)), one_cell([LARGE]), 1)
    expect(
        "the target of the confidence, the IoU,",
        np.asarray(target)[0, 0, 0, 4],
        0.25,
        [
            (1, "The target of the confidence is the IoU of the predicted box and the object, not 1."),
            (0.3, "The target of the confidence is the IoU of the predicted box and the object, not the prediction."),
            (0.625, "The outputs are the square roots of w and h: square them before you compare boxes."),
            (
                0.5,
                "The outputs are the square roots of w and h: square them, but not the ground truth.",
            ),
        ],
    )
    # a network may predict a negative root: its square counts
    root = -(0.8**0.5)
    target, _ = student.yolo_targets(one_cell([(0.5, 0.5, root, root, 0.3)], (0.6,)), one_cell([LARGE]), 1)
    expect(
        "the IoU of a prediction with negative roots of w and h",
        np.asarray(target)[0, 0, 0, 4],
        1,
        [(0, "The square of a negative root counts, like that of a positive one: do not cut the roots at 0.")],
    )
    # in a grid of 2 x 4 cells a step of half a cell to the right is an eighth of the image, a quarter of this object
    grid = {"S": (2, 4), "cell": (1, 2)}
    target, _ = student.yolo_targets(
        one_cell([prediction(0.75, 0.5, 0.5, 0.5)], (0.6,), **grid), one_cell([(0.25, 0.5, 0.5, 0.5, 1)], **grid), 1
    )
    expect(
        "the IoU of two boxes of half the image, half a cell apart in 2 x 4 cells,",
        np.asarray(target)[0, 1, 2, 4],
        0.6,
        [
            (
                0,
                "x and y are fractions of a cell, w and h of the image: divide x by the columns, y by the rows.",
            ),
            (1 / 3, "x is divided by the number of columns, y by the number of rows: they are swapped."),
        ],
    )


@pytest.mark.task("3.7")
def test_each_object_of_a_cell_has_a_box_of_its_own(student):
    # both predictions are equal, so the large object gets the first box and the small one the second
    same = prediction(0.5, 0.5, 0.8, 0.8)
    target, weight = student.yolo_targets(one_cell([same, same], (0.6,)), one_cell([LARGE, SMALL]), 2)
    expect(
        "the weights of both boxes of a cell with two objects",
        np.asarray(weight)[0, 0, 0, :10],
        2 * [5, 5, 5, 5, 1],
        [
            (
                [5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5],
                "Both objects have the same box: a box has only one object.",
            ),
            (
                [0, 0, 0, 0, 0.5, 5, 5, 5, 5, 1],
                "Both objects have the same box: of boxes with the same IoU the first one is responsible.",
            ),
        ],
    )
    roots = np.sqrt([0.8, 0.8, 0.2, 0.2])
    expect(
        "the targets of w and h of both boxes",
        np.asarray(target)[0, 0, 0, [2, 3, 7, 8]],
        roots,
        [
            (
                roots[[2, 3, 0, 1]],
                "The largest object of a cell chooses first; of boxes with the same IoU it gets the first.",
            ),
            (roots**2, "The network predicts the square roots of w and h: the roots are the targets."),
        ],
    )


@pytest.mark.task("3.7")
def test_in_a_cell_without_objects_only_confidences_count(student):
    outputs = one_cell([prediction(0.5, 0.5, 0.4, 0.4), prediction(0.5, 0.5, 0.8, 0.8)], (0.6,))
    target, weight = student.yolo_targets(outputs, np.zeros_like(outputs), 2)
    expect("the targets of a cell without objects", np.asarray(target)[0, 0, 0], np.zeros(11))
    right = np.array([0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 0])
    expect(
        "the weights of a cell without objects",
        np.asarray(weight)[0, 0, 0],
        right,
        [
            (
                0 * right,
                "The weight of the confidences of a cell without objects is no_object: 0 gives boxes everywhere.",
            ),
            (
                2 * right,
                "The weight of the confidences of a cell without objects is no_object, 0.5, not 1.",
            ),
            (
                [0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0.5, 1],
                "The weight of the class probabilities of a cell without objects is 0.",
            ),
            ([5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 0], "Without an object no box is responsible."),
            ([5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 1], "Without an object no box is responsible."),
        ],
    )


@pytest.mark.task("3.7")
def test_yolo_targets_agrees_with_the_reference(student):
    student.check("yolo_targets")


# ---- 3.8: the YOLO loss ---------------------------------------------------------------------------------------------


TARGET = np.array([[[[0.5, 0.5, 0.5, 0.5, 0.0, 0, 0, 0, 0, 0, 1]]]])  # one cell, two boxes, one class
WEIGHT = np.array([[[[5, 5, 5, 5, 1, 0, 0, 0, 0, 0.5, 1.0]]]])  # the first box is responsible


@pytest.mark.task("3.8")
def test_the_loss_is_a_weighted_sum_of_squares(student):
    outputs = TARGET + np.array([0.1, 0, 0, 0.2, 0.3, 9, 9, 9, 9, 0.4, 0.5])
    loss, *parts, doutputs = student.yolo_loss(outputs, TARGET, WEIGHT, 2)
    boxes, objects, no_objects, classes = parts
    expect(
        "the loss of the coordinates, 5 * (0.1 ** 2 + 0.2 ** 2)",
        boxes,
        0.25,
        [
            (
                5 * (0.1**2 + (0.7**0.5 - 0.5**0.5) ** 2),
                "Outputs and targets are square roots already: take no root of w and h here.",
            ),
            (0.05, "The weight is missing: it is 5 for coordinates."),
            (
                324.05,
                "The weight is missing: it is 5 for coordinates, and 0 if a box is not responsible.",
            ),
            (1.25, "The weight is squared: it multiplies the square of the error."),
            (0.125, "There is no 1/2 in this loss."),
            (1.5, "The errors are squared."),
            (0.0625, "It is a sum, not a mean."),
            (0.34, "The confidences belong to other parts: box_loss is the loss of x, y, w and h."),
            (0.42, "The confidences belong to other parts: box_loss is the loss of x, y, w and h."),
        ],
    )
    expect(
        "the loss of the confidence of the responsible box, 0.3 ** 2",
        objects,
        0.09,
        [
            (0.08, "The two parts are swapped: a box is responsible if the weight of its x is above 0."),
            (0, "A box is responsible if the weight of its x is above 0, for any target of its confidence."),
            (0.17, "The confidences of boxes that are not responsible belong to no_object_loss."),
            (0.3, "The errors are squared."),
        ],
    )
    expect(
        "the loss of the confidence of the other box, 0.5 * 0.4 ** 2",
        no_objects,
        0.08,
        [
            (0.09, "The two parts are swapped: a box is responsible if the weight of its x is above 0."),
            (0.17, "A box is responsible if the weight of its x is above 0, for any target of its confidence."),
            (0.16, "The weight is missing: it is 0.5 for the confidence of such boxes."),
        ],
    )
    expect(
        "the loss of the class, 0.5 ** 2",
        classes,
        0.25,
        [
            (0.33, "The class probabilities begin after all boxes, at 5 * B."),
            (0, "The class probabilities begin after all boxes, at 5 * B."),
        ],
    )
    total = 0.25 + 0.09 + 0.08 + 0.25
    expect(
        "the total loss",
        loss,
        total,
        [
            (total - 0.25, "The loss is the sum of all four parts: one is missing or counted twice."),
            (total - 0.09, "The loss is the sum of all four parts: object_loss is missing."),
            (total - 0.08, "The loss is the sum of all four parts: no_object_loss is missing."),
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
            (WEIGHT * right, "The weight is used twice."),
        ],
    )


@pytest.mark.task("3.8")
def test_responsible_boxes_are_known_by_the_weight_of_x(student):
    # no_object may be 1, too: then all confidences have the same weight
    weight = np.where(WEIGHT == 0.5, 1.0, WEIGHT)
    outputs = TARGET + np.array([0, 0, 0, 0, 0.3, 0, 0, 0, 0, 0.4, 0])
    _, _, objects, no_objects, _, _ = student.yolo_loss(outputs, TARGET, weight, 2)
    expect(
        "the losses of the confidences, 0.3 ** 2 and 0.4 ** 2, if no_object is 1,",
        [objects, no_objects],
        [0.09, 0.16],
        [
            (
                [0.25, 0],
                "A box is responsible if the weight of its x is above 0: that of its confidence may be 1 anyway.",
            ),
        ],
    )


@pytest.mark.task("3.8")
def test_the_loss_is_averaged_over_the_images(student):
    outputs, target, weight = (np.repeat(each, 4, axis=0) for each in (TARGET + 0.1, TARGET, WEIGHT))
    loss, *_, doutputs = student.yolo_loss(outputs, target, weight, 2)
    one = 5 * 0.04 + 0.01 + 0.005 + 0.01
    expect(
        "the loss of four equal images",
        loss,
        one,
        [
            (4 * one, "It is the mean over the images: divide by their number."),
            (one / 11, "It is the mean over the images, but the sum over the cells and the numbers of a cell."),
        ],
    )
    expect(
        "the gradient of x in the first image",
        np.asarray(doutputs)[0, 0, 0, 0],
        5 * 0.2 / 4,
        [(5 * 0.2, "It is the mean over the images: divide the gradient by their number, too.")],
    )


@pytest.mark.task("3.8")
def test_yolo_loss_agrees_with_the_reference(student):
    student.check("yolo_loss")
