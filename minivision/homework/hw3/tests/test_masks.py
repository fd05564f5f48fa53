"""The mask loss of Mask R-CNN."""

import math

import numpy as np
import pytest

from minivision.homework.expected import expect

# ---- 3.9: the mask loss ---------------------------------------------------------------------------------------------


@pytest.mark.task("3.9")
def test_only_the_map_of_the_right_class_counts(student):
    logits = np.zeros((2, 3, 1, 2))  # two regions, three classes, masks of 1 x 2 cells
    logits[0, 1] = 2, -2  # the prediction of the first region for its class
    logits[0, [0, 2]] = 5
    masks = np.array([[[1.0, 1.0]], [[0.0, 1.0]]])
    try:
        loss, dlogits = student.mask_loss(logits, np.array([2, 3]), masks)
    except IndexError as error:
        raise AssertionError(
            f"labels count from 1, and the background has no map: the map of class c is c - 1. {error}"
        ) from None
    good, bad, unsure = math.log1p(math.exp(-2)), math.log1p(math.exp(2)), math.log(2)
    right = (good + bad + 2 * unsure) / 4
    p = 1 / (1 + math.exp(2))
    gradient = np.zeros((2, 3, 1, 2))
    gradient[0, 1], gradient[1, 2] = (-p / 4, -(1 - p) / 4), (0.5 / 4, -0.5 / 4)
    assert np.shape(dlogits) == logits.shape, (
        f"the gradient has the shape of the logits, {logits.shape}, zeros for all other classes; "
        f"not {np.shape(dlogits)}"
    )
    others = [(0, 0), (0, 2), (1, 0), (1, 1)]
    own = np.any(np.asarray(dlogits)[[0, 1], [1, 2]])
    assert not own or not any(np.any(np.asarray(dlogits)[other]) for other in others), (
        "the maps of other classes do not count, so their gradient is 0. Is it a softmax over the classes, or is their "
        f"target 0? dlogits is\n{dlogits}"
    )
    five = math.log1p(math.exp(5))
    expect(
        "the loss of two regions",
        loss,
        right,
        [
            (4 * right, "It is the mean over the cells and the regions, not the sum."),
            (right / 3, "It is the mean over the maps that count, one of each region, not over those of all classes."),
            (2 * right, "It is the mean over the cells and the regions, not only over the regions."),
            ((2 * math.log1p(math.exp(-5)) + 2 * unsure) / 4, "Labels count from 1: the map of class c is c - 1."),
            ((4 * math.log1p(math.exp(-5)) + good + bad + 6 * unsure) / 12, "Only the map of the right class counts."),
            (
                (4 * five + good + bad + 6 * unsure) / 12,
                "Only the map of the right class counts: the target of other maps is not 0.",
            ),
        ],
    )
    expect(
        "the gradient",
        dlogits,
        gradient,
        [
            (4 * gradient, "It is the gradient of the mean: divide by the number of cells of all regions."),
            (-gradient, "The sign is wrong: the gradient is p - t."),
        ],
    )


@pytest.mark.task("3.9")
def test_targets_between_0_and_1_are_not_rounded(student):
    loss, dlogits = student.mask_loss(np.zeros((1, 1, 1, 1)), np.array([1]), np.array([[[0.75]]]))
    expect("the loss of a probability of one half", loss, math.log(2))
    expect(
        "the gradient of a cell of which three quarters belong to the object",
        np.asarray(dlogits).ravel(),
        [-0.25],
        [
            ([-0.5], "The masks contain fractions of cells: do not round them to 0 or 1."),
            ([0.5], "The masks contain fractions of cells: do not round them to 0 or 1."),
        ],
    )


@pytest.mark.task("3.9")
def test_mask_loss_agrees_with_the_reference(student):
    student.check("mask_loss", empty=("logits", "labels", "masks"))
