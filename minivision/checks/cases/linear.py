"""Cases for the fully connected layer: one of each, sizes that no block size divides, an empty batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

_SIZES = [
    (2, 3, 4),
    (3, 4, 4),  # a square matrix, which could be transposed
    (1, 1, 1),
    (5, 7, 3),
    (8, 16, 32),
    (3, 130, 10),
    (17, 33, 9),
    (70, 5, 2),
    (0, 4, 3),
    (4, 0, 3),
]


def linear(rng: np.random.Generator) -> Cases:
    for N, D, M in _SIZES:
        x, w, b = rng.standard_normal((N, D)), rng.standard_normal((M, D)), rng.standard_normal(M)
        yield (x, w, b), {}
        yield (x, w), {}


def linear_backward(rng: np.random.Generator) -> Cases:
    for N, D, M in _SIZES:
        yield (rng.standard_normal((N, M)), rng.standard_normal((N, D)), rng.standard_normal((M, D))), {}
