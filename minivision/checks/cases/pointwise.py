"""Cases for operations on each element by itself: any shape, also empty, also many blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

_SHAPES = [(2, 3, 4, 5), (7,), (1, 1), (0, 4), (), (3, 9001)]
_SPECIAL = np.array([0.0, -0.0, 1.0, -1.0, 700.0, -700.0, np.inf, -np.inf, np.nan])
_FINITE = _SPECIAL[:6]


def relu(rng: np.random.Generator) -> Cases:
    for shape in _SHAPES:
        yield (rng.standard_normal(shape),), {}
    yield (_SPECIAL,), {}
    yield (_FINITE,), {}


def relu_backward(rng: np.random.Generator) -> Cases:
    for shape in _SHAPES:
        yield (rng.standard_normal(shape), rng.standard_normal(shape)), {}
    yield (rng.standard_normal(_SPECIAL.shape), _SPECIAL), {}
    yield (rng.standard_normal(_FINITE.shape), _FINITE), {}


sigmoid = relu


def sigmoid_backward(rng: np.random.Generator) -> Cases:
    for shape in _SHAPES:
        yield (rng.standard_normal(shape), rng.random(shape)), {}


def dropout(rng: np.random.Generator) -> Cases:
    # The generator in the arguments has a seed of its own: copy it before each call to drop the same elements
    # again.
    for shape in _SHAPES:
        for p in (0.0, 0.3, 0.5, 1.0):
            yield (rng.standard_normal(shape), p), {"rng": np.random.default_rng(3), "training": True}
        yield (rng.standard_normal(shape), 0.5), {"rng": None, "training": False}


def dropout_backward(rng: np.random.Generator) -> Cases:
    for shape in _SHAPES:
        yield (rng.standard_normal(shape), 2.0 * (rng.random(shape) < 0.5)), {}
