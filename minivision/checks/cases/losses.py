"""Cases for the losses: sums and means, weights, ignored targets (some, all), empty arrays, huge scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

_SHAPES = [(4, 3), (2, 3, 4, 5), (1, 1, 1, 1), (5,), (0, 4), (3, 1500)]
_CLASSES = [(4, 3), (300, 21), (2, 7, 4, 5), (1, 2, 17, 31), (2, 1, 3, 3), (0, 4), (0, 4, 5, 5), (2, 3, 0, 4)]


def softmax(rng: np.random.Generator) -> Cases:
    for shape in _CLASSES:
        yield (3 * rng.standard_normal(shape),), {}
    yield (np.array([[1e4, 0.0], [-1e4, 1e4]]),), {}
    yield (np.array([[np.nan, 0.0], [1.0, 2.0]]),), {}
    yield (np.array([1e4, 0.0, np.nan, 1.0]).reshape(1, 2, 1, 2),), {}


def softmax_backward(rng: np.random.Generator) -> Cases:
    for shape in _CLASSES:
        exponentials = np.exp(rng.standard_normal(shape))
        yield (rng.standard_normal(shape), exponentials / exponentials.sum(axis=1, keepdims=True)), {}


def softmax_cross_entropy(rng: np.random.Generator) -> Cases:
    for shape in _CLASSES:
        C = shape[1]
        scores = 3 * rng.standard_normal(shape)
        target = rng.integers(0, C, (shape[0], *shape[2:]))
        some_ignored = np.where(rng.random(target.shape) < 0.3, 255, target)
        yield (scores, target), {}
        yield (scores, target), {"reduction": "sum", "weight": rng.random(C)}
        yield (scores, some_ignored), {"ignore_index": 255}
        yield (scores, some_ignored), {"ignore_index": 255, "weight": rng.random(C)}
        yield (scores, np.full_like(target, -100)), {}
        yield (scores, target), {"ignore_index": 0, "weight": np.zeros(C)}
    yield (np.array([[1e4, 0.0], [-1e4, 1e4]]), np.array([1, 1])), {}


def binary_cross_entropy_with_logits(rng: np.random.Generator) -> Cases:
    for shape in _SHAPES:
        yield (3 * rng.standard_normal(shape), rng.random(shape)), {}
        yield (3 * rng.standard_normal(shape), rng.integers(0, 2, shape)), {"reduction": "sum"}
        yield (30 * rng.standard_normal(shape), rng.random(shape) < 0.5), {}
    yield (np.array([800.0, -800.0, 0.0]), np.array([0.0, 1.0, 0.5])), {}


def smooth_l1_loss(rng: np.random.Generator) -> Cases:
    for shape in _SHAPES:
        for beta in (1.0, 1 / 9, 0.0):
            yield (rng.standard_normal(shape), rng.standard_normal(shape)), {"beta": beta}
        yield (rng.standard_normal(shape), rng.standard_normal(shape)), {"reduction": "sum"}
    yield (np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 4.0])), {"beta": 0.0}  # no slope at zero
    yield (np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 4.0])), {}  # exactly where the two pieces meet


def mse_loss(rng: np.random.Generator) -> Cases:
    for shape in _SHAPES:
        yield (rng.standard_normal(shape), rng.standard_normal(shape)), {}
        yield (rng.standard_normal(shape), rng.standard_normal(shape)), {"reduction": "sum"}


def hinge_loss(rng: np.random.Generator) -> Cases:
    for shape in _SHAPES:
        target = 2 * rng.integers(0, 2, shape) - 1
        yield (rng.standard_normal(shape), target), {}
        yield (rng.standard_normal(shape), target), {"margin": 0.2, "reduction": "sum"}
    yield (np.array([1.0, -1.0, 0.5]), np.array([1.0, -1.0, -1.0])), {}  # exactly at the margin
