"""Benchmark of pointwise operations, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np

from minivision import ops
from minivision.bench.entry import Entry, draw, entry

_P = 0.5  # probability of dropping a number


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    x = draw(8 * batch, 64, 64, 64)
    dy = x[::-1].copy()
    y = ops.sigmoid(x)
    mask = np.float32(1 / (1 - _P)) * (x > 0)
    rng = np.random.default_rng(0)
    theirs = _theirs(torch, x, dy, y) if torch else {}

    def line(op, *arguments, **keywords):
        small = [value[:1] if isinstance(value, np.ndarray) else value for value in arguments]
        return entry(op, arguments, tuple(small), theirs=theirs.get(op.__name__), **keywords)

    yield line(ops.relu, x)
    yield line(ops.relu_backward, dy, x)
    yield line(ops.sigmoid, x)
    yield line(ops.sigmoid_backward, dy, y)
    yield line(ops.dropout, x, _P, rng=rng, training=True)
    yield line(ops.dropout_backward, dy, mask)


def _theirs(torch, x, dy, y):
    aten = torch.ops.aten
    x, dy, y = map(torch.from_numpy, (x, dy, y))
    kept = x > 0
    return {
        "relu": lambda: torch.relu(x),
        "relu_backward": lambda: aten.threshold_backward(dy, x, 0),
        "sigmoid": lambda: torch.sigmoid(x),
        "sigmoid_backward": lambda: aten.sigmoid_backward(dy, y),
        "dropout": lambda: aten.native_dropout(x, _P, True),
        "dropout_backward": lambda: aten.native_dropout_backward(dy, kept, 1 / (1 - _P)),
    }
