"""Exercises of notebook 04b: a network by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, function, numbers
from minivision.layers import Conv2d
from minivision.optim import SGD


@exercise("04b.1", because="each class gets probability 1/4, and the loss is minus its logarithm")
def loss_of_no_knowledge(answer: Any) -> str | None:
    """The loss of a network that gives four classes the same score, one number."""
    right, _ = ops.softmax_cross_entropy(np.zeros((1, 4)), np.array([0]))
    mistakes = [
        (np.log(3), "that was for three classes"),
        (0.25, "that is the probability; the loss is minus its logarithm"),
        (-np.log(4), "the sign: a loss is minus the logarithm"),
        (2.0, "that is the logarithm to the base of 2; here it is the natural one"),
    ]
    return numbers(answer, right, mistakes)


@exercise("04b.2", because="probabilities minus onehot, and the three numbers add up to 0")
def gradient_of_a_pixel(answer: Any) -> str | None:
    """The gradient of the three scores (2, 0, 0) of a pixel of class 1."""
    scores = np.array([[2.0, 0, 0]])
    _, (right,) = ops.softmax_cross_entropy(scores, np.array([1]))
    (p,) = ops.softmax(scores)
    mistakes = [
        (-right, "the sign: the gradient says where the loss grows, so it is p - onehot"),
        (p, "these are the probabilities; now take 1 away from that of the true class"),
        (p - np.eye(3)[0], "that would be right if its class were 0"),
        (p - np.eye(3)[2], "classes are counted from 0"),
    ]
    return numbers(answer, right, mistakes)


def _momentum(gradients: np.ndarray, rate: float, momentum: float) -> np.ndarray:
    layer = Conv2d(1, 1, 1, bias=False).astype(np.float64)
    layer.w.value[...] = 0
    optimizer = SGD(layer, momentum=momentum)
    for gradient in gradients:
        layer.w.grad[...] = gradient
        optimizer.step(rate)
    return layer.w.value[0, 0, 0, 0]


def _plain(gradients: np.ndarray, rate: float, momentum: float) -> np.ndarray:
    return np.asarray(-rate * gradients.sum())


def _late(gradients: np.ndarray, rate: float, momentum: float) -> np.ndarray:
    return _momentum(np.concatenate([np.zeros(1), gradients[:-1]]), rate, momentum)


def _average(gradients: np.ndarray, rate: float, momentum: float) -> np.ndarray:
    return _momentum((1 - momentum) * gradients, rate, momentum)


@exercise("04b.3", because="the velocity remembers, so gradients that agree add up to ten times one step at most")
def momentum(answer: Any) -> str | None:
    """A function of gradients, rate and momentum: where a weight is that began at 0."""
    examples = [(np.array([1.0, 1, 1, 1]), 0.1, 0.9), (np.array([1.0, -2, 0.5, 3, 0.25]), 0.05, 0.8)]
    mistakes = [
        (_plain, "that is gradient descent without momentum: keep the velocity from one step to the next"),
        (_late, "the velocity of this step has this step's gradient in it already: update it first, then move"),
        (_average, "the gradient enters the velocity whole, not times 1 - momentum"),
        (lambda g, r, m: -_momentum(g, r, m), "the sign: one moves against the gradient"),
    ]
    return function(answer, _momentum, examples, mistakes)
