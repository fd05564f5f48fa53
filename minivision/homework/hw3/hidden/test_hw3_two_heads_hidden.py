"""Graded tests of the network with two heads: random numbers, compared with the library's and with differences."""

import numpy as np
import pytest

from minivision.models.parts.two_heads import two_heads_backward, two_heads_forward

STEP = 1e-5


def network(seed, number, N=4, D=5, M=6, C=3):
    """Return x, labels, targets and weights: hidden features are far from 0, and each example has one above it."""
    rng = np.random.default_rng([seed, 12, number])
    while True:
        x, w = rng.standard_normal((N, D)), rng.standard_normal((M, D))
        hidden = x @ w.T
        if abs(hidden).min() > 0.01 and (hidden > 0).any(axis=1).all():
            heads = rng.standard_normal((C, M)), rng.standard_normal((4, M))
            return x, rng.integers(0, C, N), rng.standard_normal((N, 4)), w, *heads


def compare(results, right):
    assert len(results) == len(right), f"expected {len(right)} results, got {len(results)}"
    for got, expected in zip(results, right, strict=True):
        assert np.shape(got) == np.shape(expected), f"expected the shape {np.shape(expected)}, got {np.shape(got)}"
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5 * np.max(np.abs(expected)))


@pytest.mark.task("3.11", points=2)
def test_the_loss_and_the_gradients_of_its_outputs(student):
    for number, box_weight in enumerate((1.0, 0.25, 30.0)):
        arguments = network(student.seed, number)
        right = two_heads_forward(*arguments, box_weight=box_weight)
        compare(student.two_heads_forward(*arguments, box_weight=box_weight), right)


@pytest.mark.task("3.11", points=2)
def test_the_gradients_of_input_and_weights(student):
    for number in range(3, 6):
        x, labels, targets, *weights = network(student.seed, number, N=number)
        _, hidden, dscores, dboxes = two_heads_forward(x, labels, targets, *weights, box_weight=2.0)
        right = two_heads_backward(dscores, dboxes, x, hidden, *weights)
        compare(student.two_heads_backward(dscores, dboxes, x, hidden, *weights), right)


@pytest.mark.task("3.11", points=2)
def test_forward_and_backward_belong_together(student):
    """In a random direction the loss grows as the gradients say."""
    x, labels, targets, *weights = network(student.seed, 6)
    rng = np.random.default_rng([student.seed, 13])

    def loss(x, *weights):
        return float(two_heads_forward(x, labels, targets, *weights, box_weight=5.0)[0])

    _, hidden, dscores, dboxes = student.two_heads_forward(x, labels, targets, *weights, box_weight=5.0)
    gradients = student.two_heads_backward(dscores, dboxes, x, hidden, *weights)
    for k, (array, gradient) in enumerate(zip((x, *weights), gradients, strict=True)):
        direction = rng.standard_normal(array.shape)
        direction /= np.linalg.norm(direction)
        ends = []
        for step in (STEP, -STEP):
            moved = [x, *weights]
            moved[k] = array + step * direction
            ends.append(loss(*moved))
        slope = (ends[0] - ends[1]) / (2 * STEP)
        assert np.vdot(gradient, direction) == pytest.approx(
            slope, rel=1e-4, abs=1e-6 + 1e-5 * np.linalg.norm(gradient)
        )
