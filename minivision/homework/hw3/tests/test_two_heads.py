"""A network with two heads: its loss, and the gradients that meet in its shared layer."""

import math

import numpy as np
import pytest

from minivision.homework.expected import expect

# ---- forward ---------------------------------------------------------------------------------------------------------


def forward(student, box_weight=10.0):
    """Run two examples with one feature through the student's network: the second hidden feature is below 0."""
    x, labels, targets = np.array([[1.0], [2.0]]), np.array([0, 1]), np.zeros((2, 4))
    w, w_class = np.array([[1.0], [-1.0]]), np.zeros((2, 2))
    w_box = np.array([[1.0, 5.0], [0.0, 5.0], [0.0, 5.0], [0.0, 5.0]])
    return student.two_heads_forward(x, labels, targets, w, w_class, w_box, box_weight=box_weight)


@pytest.mark.task("3.11")
def test_the_loss_is_a_weighted_sum(student):
    # Both scores are equal, so each class has the probability 1/2; the boxes are off by 1 and by 2 in x, of 8 numbers.
    loss, hidden, dscores, dboxes = forward(student)
    mistakes = [([[1, -1], [2, -2]], "The ReLU is missing: hidden features below 0 become 0.")]
    expect("the hidden features of two examples", hidden, [[1, 0], [2, 0]], mistakes)
    classes, boxes = math.log(2), 5 / 8
    mistakes = [
        (classes + boxes, "`box_weight` is not used: it is a factor of the box's loss."),
        (10 * (classes + boxes), "`box_weight` is a factor of the box's loss only."),
        (10 * classes + boxes, "`box_weight` is a factor of the box's loss, not of the classes'."),
        (-9 * classes + 10 * boxes, "The classes have the weight 1, whatever that of the box is."),
        (classes, "Add the box's loss."),
        (10 * boxes, "Add the loss of the classes."),
        (classes + 5 * boxes, "The box's loss is the mean of the squared errors, without a factor 1/2."),
        (classes + 10 * 8 * boxes, "The squared errors are averaged over all numbers of the boxes, not summed."),
        (classes + 10 * 4 * boxes, "The squared errors are averaged over all numbers, also over the four of a box."),
        (2 * classes + 10 * boxes, "The loss of the classes is averaged over the examples, not summed."),
    ]
    expect("the loss with a box_weight of 10", loss, classes + 10 * boxes, mistakes)
    right = np.array([[-0.25, 0.25], [0.25, -0.25]])
    mistakes = [
        (10 * right, "`box_weight` is no factor of the classes' loss, so it is none of its gradient."),
        (2 * right, "The loss is averaged over the examples, so its gradient is, too."),
        (-9 * right, "The classes have the weight 1, whatever that of the box is."),
    ]
    expect("the gradient of the scores", dscores, right, mistakes)
    right = np.zeros((2, 4))
    right[:, 0] = 2.5, 5
    mistakes = [
        (right / 10, "A loss that is weighted by `box_weight` has a gradient that is weighted by it, too."),
        (right / 2, "The derivative of the square of an error is twice the error."),
        (10 * right, "`box_weight` is a factor of the gradient once, not twice."),
        (4 * right, "The squared errors are averaged over all numbers of the boxes: so is their gradient."),
        (8 * right, "The squared errors are averaged over all numbers of the boxes: so is their gradient."),
    ]
    expect("the gradient of the boxes", dboxes, right, mistakes)


@pytest.mark.task("3.11")
def test_scores_and_boxes_have_any_sign(student):
    # one feature of 1: the scores -log(3) and 0, so the first class has the probability 1/4; a box with x1 = -2
    w_box = np.array([[-2.0], [0], [0], [0]])
    weights = np.array([[1.0]]), np.array([[-math.log(3)], [0]]), w_box
    loss, *_ = student.two_heads_forward(np.array([[1.0]]), np.array([0]), np.zeros((1, 4)), *weights, box_weight=1.0)
    heads = "The ReLU is for the hidden features alone: scores and boxes may be below 0."
    mistakes = [(math.log(2) + 1, heads), (math.log(4), heads), (math.log(2), heads)]
    expect("the loss, log 4 + (2 ** 2) / 4,", loss, math.log(4) + 1, mistakes)


# ---- backward --------------------------------------------------------------------------------------------------------


def backward(student):
    """Run the gradients of one example back: the scores ask for (1, 0) in the hidden features, the boxes (10, 40)."""
    w, w_class = np.array([[1.0], [-1.0]]), np.array([[1.0, 1.0], [2.0, 1.0]])
    w_box = np.zeros((4, 2))
    w_box[0] = 1, 4
    x, hidden, dboxes = np.array([[3.0]]), np.array([[2.0, 0.0]]), np.array([[10.0, 0, 0, 0]])
    return student.two_heads_backward(np.array([[-1.0, 1.0]]), dboxes, x, hidden, w, w_class, w_box)


ONLY_CLASSES = "The gradient of the boxes is lost: the hidden features get the sum of both gradients"
ONLY_BOXES = "The gradient of the scores is lost: the hidden features get the sum of both gradients"


@pytest.mark.task("3.11")
def test_the_gradients_of_both_heads_are_added(student):
    dx, dw, _, _ = backward(student)
    back = "The ReLU lets no gradient through where `hidden` is 0"
    mistakes = [
        (1, ONLY_CLASSES),
        (10, ONLY_BOXES),
        (5.5, "It is the sum of both gradients, not their mean"),
        (-9, "It is the sum of both gradients, not their difference"),
        (9, "It is the sum of both gradients, not their difference"),
        (-29, back),
        (-39, f"{back}: also for the gradient of the boxes"),
        (33, "This is the gradient of the weights: the gradient of x is computed with w"),
    ]
    expect("the gradient of x, one number", dx, [[11]], mistakes)
    mistakes = [
        ([[3], [0]], f"{ONLY_CLASSES}, and go on to w, too"),
        ([[30], [0]], f"{ONLY_BOXES}, and go on to w, too"),
        ([[33], [120]], back),
        ([[22], [0]], "The input of the shared layer is x, not hidden"),
        ([[11], [0]], "The gradient of a weight is that of its output times its input, x"),
    ]
    expect("the gradient of w", dw, [[33], [0]], mistakes)


@pytest.mark.task("3.11")
def test_each_head_has_gradients_of_its_own(student):
    _, _, dw_class, dw_box = backward(student)
    mistakes = [([[-2, 2], [0, 0]], "It has a row for each class, as w_class: this is its transpose")]
    expect("the gradient of w_class", dw_class, [[-2, 0], [2, 0]], mistakes)
    right = np.zeros((4, 2))
    right[0, 0] = 20
    expect("the gradient of w_box", dw_box, right)


# ---- both ------------------------------------------------------------------------------------------------------------

NAMES = ("x", "w", "w_class", "w_box")


def differences(loss, array, step=1e-5):
    """Return the gradient of a loss by finite differences: each number of the array is moved up and down."""
    gradient = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        value = array[place]
        array[place] = value + step
        above = loss()
        array[place] = value - step
        gradient[place] = (above - loss()) / (2 * step)
        array[place] = value
    return gradient


@pytest.mark.task("3.11")
def test_gradients_are_those_of_your_loss(student):
    rng = np.random.default_rng(2)
    arrays = {"x": rng.normal(size=(3, 4)), "w": rng.normal(size=(5, 4))}
    arrays |= {"w_class": rng.normal(size=(3, 5)), "w_box": rng.normal(size=(4, 5))}
    labels, targets = np.array([2, 0, 1]), rng.normal(size=(3, 4))
    assert abs(arrays["x"] @ arrays["w"].T).min() > 0.05  # no difference crosses the kink of a ReLU

    def run():
        x, *weights = arrays.values()
        return student.two_heads_forward(x, labels, targets, *weights, box_weight=7.0)

    _, hidden, dscores, dboxes = run()
    x, *weights = arrays.values()
    gradients = student.two_heads_backward(dscores, dboxes, x, hidden, *weights)
    assert len(gradients) == 4, f"the backward pass returns dx, dw, dw_class, dw_box: four arrays, not {len(gradients)}"
    for name, gradient in zip(NAMES, gradients, strict=True):
        right = differences(lambda: float(run()[0]), arrays[name])
        mistakes = [
            (right / 3, "The losses are averaged over the examples already: sum over them here."),
            (right / 7, "Is the gradient of the boxes weighted?"),
        ]
        expect(
            f"the gradient of {name}, by differences of your own loss,", gradient, right, mistakes, rtol=1e-4, atol=1e-6
        )
