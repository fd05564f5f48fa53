"""Benchmark of the fully connected layer after RoI pooling, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from minivision import ops
from minivision.bench.entry import Entry, draw, entry


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    x, w, b, dy = draw(128 * batch, 3136), draw(256, 3136), draw(256), draw(128 * batch, 256)
    forward = backward = None
    if torch is not None:
        tx, tw, tb, tdy = map(torch.from_numpy, (x, w, b, dy))
        forward = lambda: torch.nn.functional.linear(tx, tw, tb)
        backward = lambda: (tdy @ tw, tdy.T @ tx, tdy.sum(0))
    shown: dict[str, Any] = {"of": (x, x[:8]), "note": " -> 256"}
    yield entry(ops.linear, (x, w, b), (x[:8], w, b), theirs=forward, **shown)
    yield entry(ops.linear_backward, (dy, x, w), (dy[:8], x[:8], w), theirs=backward, **shown)
