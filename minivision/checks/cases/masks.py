"""Cases for masks: fractions and booleans, one class and several, logits far from zero, no region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def mask_loss(rng: np.random.Generator) -> Cases:
    for M, C, S in ((1, 1, 2), (3, 2, 4), (4, 5, 3), (2, 3, 6)):
        logits, labels = 2 * rng.standard_normal((M, C, S, S)), rng.integers(1, C + 1, M)
        yield (logits, labels, rng.random((M, S, S))), {}
        yield (logits, labels, rng.random((M, S, S)) < 0.5), {}
    yield (logits, np.full(M, C), np.ones((M, S, S))), {}
    yield (400 * logits, labels, rng.random((M, S, S)) < 0.5), {}
    yield (np.zeros((0, 3, 4, 4)), np.zeros(0, int), np.zeros((0, 4, 4))), {}
