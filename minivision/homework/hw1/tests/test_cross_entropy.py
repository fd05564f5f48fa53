"""The cross-entropy of every pixel, on pixels to follow with a pencil."""

import numpy as np
import pytest

from minivision.core.labels import IGNORE
from minivision.homework.expected import expect

# ---- 1.10: the cross-entropy of every pixel -------------------------------------------------------------------------

LN2, LN4 = np.log(2), np.log(4)
# Two pixels in a row, two classes. Probabilities are 1/4 and 3/4 in the first pixel, 1/2 and 1/2 in the second.
SCORES = np.log([[1.0, 1], [3, 1]]).reshape(1, 2, 1, 2)


def loss_and_gradient(student, target, **settings):
    """Return the loss of the two pixels, and its gradient as a row for each class."""
    loss, gradient = student.softmax_cross_entropy(SCORES, np.array([[target]]), **settings)
    return loss, np.asarray(gradient).reshape(2, 2) if np.shape(gradient) == (1, 2, 1, 2) else gradient


@pytest.mark.task("1.10")
def test_the_loss_of_one_example(student):
    loss, gradient = student.softmax_cross_entropy(np.log([[1.0, 3]]), np.array([0]))
    expect(
        "the loss of a class with the probability 1/4, log(4),",
        loss,
        LN4,
        [
            (-LN4, "the sign is wrong: it is minus the logarithm of a number below 1, so it is positive"),
            (2, "this is the logarithm with base 2: use the natural one, np.log"),
            (np.log(4 / 3), "this is the loss of the other class"),
            (0.25, "this is the probability of the true class: the loss is minus its logarithm"),
        ],
    )
    expect(
        "the gradient, the probabilities [1/4, 3/4] with 1 subtracted at the true class,",
        gradient,
        [[-0.75, 0.75]],
        [
            ([[0.25, 0.75]], "the 1 of the true class is not subtracted from the probabilities"),
            ([[0.75, -0.75]], "the sign is wrong: a larger score of the true class lowers the loss"),
            ([[-0.75, 0]], "the scores of the other classes have a gradient too: their probability"),
        ],
    )


@pytest.mark.task("1.10")
def test_the_loss_of_two_pixels_is_their_mean(student):
    two_images = np.concatenate([SCORES, SCORES])  # of two pixels each
    loss, gradient = student.softmax_cross_entropy(two_images, np.zeros((2, 1, 2), int))
    expect(
        "the loss of two images of two pixels, the mean of log(4), log(2), log(4), log(2),",
        loss,
        (LN4 + LN2) / 2,
        [
            (
                2 * (LN4 + LN2),
                "this is the sum over the pixels: with reduction 'mean' it is divided by their number",
            ),
            (LN4 + LN2, "it is divided by the number of images or of rows: divide by the number of all pixels"),
            (LN2, "the sum of the exponentials is along the row of pixels: it is over the classes of a pixel, axis 1"),
            (np.log(6), "the sum of the exponentials is over all pixels: each pixel has probabilities of its own"),
            (np.log(12), "the sum of the exponentials is over all pixels: each pixel has probabilities of its own"),
        ],
    )
    right = np.array([[-0.1875, -0.125], [0.1875, 0.125]])
    expect(
        "its gradient in the first image (a row for each class, a column for each pixel)",
        np.reshape(gradient, (2, 2, 2))[0] if np.shape(gradient) == (2, 2, 1, 2) else gradient,
        right,
        [
            (4 * right, "the loss is divided by the number of pixels, so its gradient is too"),
            (2 * right, "it is divided by the number of images or of rows: divide by the number of all pixels"),
            ([[0.0625, 0.125], [0.1875, 0.125]], "the 1 of the true class is not subtracted from the probabilities"),
        ],
    )
    loss, _ = loss_and_gradient(student, [0, 0], reduction="sum")
    expect(
        "the loss with reduction 'sum'", loss, LN4 + LN2, [((LN4 + LN2) / 2, "this is the mean: reduction is ignored")]
    )


@pytest.mark.task("1.10")
def test_a_pixel_of_unknown_class_does_not_count(student):
    loss, gradient = loss_and_gradient(student, [0, IGNORE], ignore_index=IGNORE)
    expect(
        "the loss of two pixels, of which only the first counts,",
        loss,
        LN4,
        [
            (LN4 / 2, "the sum is divided by all pixels: divide by the number of those that count"),
            ((LN4 + LN2) / 2, "the pixel of unknown class counts"),
        ],
    )
    expect(
        "its gradient",
        gradient,
        [[-0.75, 0], [0.75, 0]],
        [
            ([[-0.375, 0], [0.375, 0]], "the sum is divided by all pixels: divide by the number of those that count"),
            ([[-0.75, 0.5], [0.75, 0.5]], "a pixel of unknown class has no gradient: it is 0 for all classes"),
            ([[-0.75, -0.5], [0.75, 0.5]], "a pixel of unknown class has no gradient: it is 0 for all classes"),
        ],
    )


@pytest.mark.task("1.10")
def test_classes_have_weights(student):
    loss, gradient = loss_and_gradient(student, [0, 1], weight=np.array([3.0, 1]))
    expect(
        "the loss with weights 3 and 1, (3 * log(4) + 1 * log(2)) / (3 + 1),",
        loss,
        (3 * LN4 + LN2) / 4,
        [
            ((LN4 + LN2) / 2, "the weights are ignored"),
            ((3 * LN4 + LN2) / 2, "the sum is divided by the number of pixels: divide by the sum of their weights"),
            (3 * LN4 + LN2, "this is the sum: divide by the sum of the weights of the pixels"),
        ],
    )
    expect(
        "its gradient",
        gradient,
        [[-0.5625, 0.125], [0.5625, -0.125]],
        [
            ([[-0.375, 0.25], [0.375, -0.25]], "the weights are ignored"),
            (
                [[-0.0625, 0.125], [0.5625, -0.125]],
                "the 1 of the true class has the weight, too: it is w * (probabilities - 1 at the true class)",
            ),
            ([[-1.125, 0.25], [1.125, -0.25]], "it is divided by the number of pixels, not by the sum of weights"),
            (
                [[-0.5625, 0.375], [0.1875, -0.125]],
                "each row has the weight of its own class: all scores of a pixel have the weight of its true class",
            ),
        ],
    )


@pytest.mark.task("1.10")
def test_the_weights_of_all_pixels_are_summed(student):
    # Four pixels, three of them of class 0: their weights add up to 11, those of the classes to 5.
    scores, target = np.concatenate([SCORES, SCORES]), np.array([[[0, 1]], [[0, 0]]])
    loss, gradient = student.softmax_cross_entropy(scores, target, weight=np.array([3.0, 2]))
    total = 6 * LN4 + 5 * LN2
    mistakes = [
        (total / 5, "it is divided by the sum of the weights of the classes: sum those of the pixels, weight[target]"),
        (total / 4, "it is divided by the number of pixels: divide by the sum of their weights"),
        (total / 2, "it is divided by the number of images: divide by the sum of the weights of the pixels"),
        (total, "this is the sum: divide by the sum of the weights of the pixels"),
    ]
    expect("the loss of four pixels with the weights 3, 2, 3 and 3", loss, total / 11, mistakes)
    expect("the sum of its gradient over the pixels", np.sum(gradient, axis=(0, 2, 3)), [-5 / 11, 5 / 11])


@pytest.mark.task("1.10")
def test_nothing_counts(student):
    loss, gradient = loss_and_gradient(student, [IGNORE, IGNORE], ignore_index=IGNORE)
    expect("the loss if no pixel counts", loss, 0, [(np.nan, "0 / 0 is NaN: divide only where something counts")])
    expect("its gradient", gradient, np.zeros((2, 2)), [(np.full((2, 2), np.nan), "0 / 0 is NaN")])


@pytest.mark.task("1.10")
def test_large_scores_do_not_overflow(student):
    loss, gradient = student.softmax_cross_entropy(np.array([[1000.0, 0]]), np.array([1]))
    overflow = "np.exp(1000) is infinite: subtract the largest score of each pixel before"
    logarithm = "a probability near 0 has lost its logarithm: it is score - largest score - log(sum of exponentials)"
    # With an infinite exponential the gradient is inf / inf. Else the probability is 0, and its logarithm infinite.
    infinite = logarithm if np.isfinite(gradient).all() else overflow
    mistakes = [(np.inf, infinite), (np.nan, overflow), *((-np.log(10.0**-k), logarithm) for k in range(3, 31))]
    expect("the loss of the scores 1000 and 0", loss, 1000, mistakes)
    expect("its gradient", gradient, [[1, -1]], [([[np.nan, -1]], overflow), ([[np.nan, np.nan]], overflow)])
    each = np.array([[[[1000.0, 0]], [[1000.0, 0]]]])
    loss, _ = student.softmax_cross_entropy(each, np.zeros((1, 1, 2), int))
    of_all = "the largest score of all pixels is subtracted, which leaves nothing of a pixel with low scores: axis 1"
    expect(
        "the loss of a pixel with two scores of 1000 and one with two of 0, log(2),",
        loss,
        LN2,
        [(number, of_all) for number in (np.inf, -np.inf, np.nan)],
    )


@pytest.mark.task("1.10")
def test_softmax_cross_entropy_agrees_with_the_reference(student):
    student.check("softmax_cross_entropy")
