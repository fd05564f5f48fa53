"""Benchmark of batch normalization in training, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np

from minivision import ops
from minivision.bench.entry import Entry, draw, entry


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    x = draw(8 * batch, 64, 64, 64)
    dy = x[::-1].copy()
    gamma, beta = np.ones(64, np.float32), np.zeros(64, np.float32)
    running = np.zeros(64, np.float32), np.ones(64, np.float32)
    saved, small_saved = (ops.batch_norm2d(maps, gamma, beta, *running, training=True)[1] for maps in (x, x[:1]))
    forward, backward = _theirs(torch, x, dy) if torch else (None, None)
    learned = (gamma, beta, *running)
    yield entry(ops.batch_norm2d, (x, *learned), (x[:1], *learned), theirs=forward, training=True)
    yield entry(ops.batch_norm2d_backward, (dy, x, gamma, saved), (dy[:1], x[:1], gamma, small_saved), theirs=backward)


def _theirs(torch, x, dy):
    x, dy = map(torch.from_numpy, (x, dy))
    gamma, beta, mean, var = torch.ones(64), torch.zeros(64), torch.zeros(64), torch.ones(64)
    _, batch_mean, inv_std = torch.native_batch_norm(x, gamma, beta, mean, var, True, 0.1, 1e-5)
    return (
        lambda: torch.native_batch_norm(x, gamma, beta, mean, var, True, 0.1, 1e-5),
        lambda: torch.ops.aten.native_batch_norm_backward(
            dy, x, gamma, mean, var, batch_mean, inv_std, True, 1e-5, [True] * 3
        ),
    )
