"""Cases for the embedding of words: words that repeat, that are missing, in rows of sequences, no words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

_SIZES = [  # shape of the tokens, words, numbers for each
    ((7,), 3, 4),  # more places than words: some repeat
    ((2, 5), 6, 3),
    ((3,), 9, 2),  # most words are missing
    ((4,), 1, 1),
    ((6, 40), 50, 70),
    ((0,), 4, 3),
    ((), 4, 3),
]


def embedding(rng: np.random.Generator) -> Cases:
    for shape, V, D in _SIZES:
        yield (rng.integers(0, V, shape), rng.standard_normal((V, D))), {}


def embedding_backward(rng: np.random.Generator) -> Cases:
    for shape, V, D in _SIZES:
        yield (rng.standard_normal((*shape, D)), rng.integers(0, V, shape), rng.standard_normal((V, D))), {}
