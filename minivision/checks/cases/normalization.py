"""Cases for batch normalization: in training and out of it, few values and many, a mean far from zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision.ops import normalization

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

_MAPS = [(2, 3, 4, 5), (2, 1, 1, 1), (1, 2, 1, 2), (3, 17, 3, 3), (2, 2, 50, 47)]


def _arguments(rng, shape, offset=0.0):
    C = shape[1]
    x = offset + 2 * rng.standard_normal(shape)
    return x, 1 + rng.random(C), rng.standard_normal(C), rng.standard_normal(C), 0.5 + rng.random(C)


def batch_norm2d(rng: np.random.Generator) -> Cases:
    for shape in _MAPS:
        for training in (True, False):
            yield _arguments(rng, shape), {"training": training}
    yield _arguments(rng, _MAPS[0], offset=50.0), {"training": True, "momentum": 0.3, "eps": 1e-3}
    yield _arguments(rng, (0, 3, 4, 5)), {"training": False}
    yield _arguments(rng, (1, 3, 1, 1)), {"training": False}


def batch_norm2d_backward(rng: np.random.Generator) -> Cases:
    for arguments, keywords in batch_norm2d(rng):
        x, gamma, *_ = arguments
        y, saved = normalization.batch_norm2d(*arguments, **keywords)
        yield (rng.standard_normal(y.shape), x, np.copy(gamma), saved), {}
