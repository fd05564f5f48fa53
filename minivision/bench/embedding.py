"""Benchmark of the embedding of words, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np

from minivision import ops
from minivision.bench.entry import Entry, draw, entry

WORDS, LENGTH = 10_000, 512  # of a vocabulary, and of each vector


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    tokens = np.random.default_rng(0).integers(0, WORDS, (17, 128 * batch))
    w, dy = draw(WORDS, LENGTH), draw(*tokens.shape, LENGTH)
    forward = backward = None
    if torch is not None:
        theirs, tw, tdy = map(torch.from_numpy, (tokens, w, dy))
        forward = lambda: torch.nn.functional.embedding(theirs, tw)
        backward = lambda: torch.ops.aten.embedding_dense_backward(tdy, theirs, WORDS, -1, False)
    note = f" of {WORDS} x {LENGTH}"
    yield entry(ops.embedding, (tokens, w), (tokens[:2], w), theirs=forward, of=(tokens, tokens[:2]), note=note)
    yield entry(
        ops.embedding_backward, (dy, tokens, w), (dy[:2], tokens[:2], w), theirs=backward, of=(tokens, tokens[:2]),
        note=note,
    )  # fmt: skip
