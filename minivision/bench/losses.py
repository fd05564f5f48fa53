"""Benchmark of the losses with their gradients."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import numpy as np

from minivision import ops
from minivision.bench.entry import Entry, draw, entry

_NOTE = ", with gradient"


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    N = 8 * batch
    scores, classes = draw(N, 7, 128, 128), np.random.default_rng(0).integers(0, 7, (N, 128, 128))
    x = draw(64 * batch, 80, 28, 28)
    target = x[::-1].copy()
    masks, sides = (target > 0).astype(np.float32), np.where(target > 0, np.float32(1), np.float32(-1))
    work: dict[str, tuple] = {
        "softmax_cross_entropy": (scores, classes),
        "binary_cross_entropy_with_logits": (x, masks),
        "smooth_l1_loss": (x, target),
        "mse_loss": (x, target),
        "hinge_loss": (x, sides),
    }
    theirs = _theirs(torch, work) if torch else {}
    for name, arguments in work.items():
        small = tuple(value[:1] for value in arguments)
        yield entry(getattr(ops, name), arguments, small, theirs=theirs.get(name), note=_NOTE)


def _theirs(torch, work):
    F = torch.nn.functional
    losses = {
        "softmax_cross_entropy": F.cross_entropy,
        "binary_cross_entropy_with_logits": F.binary_cross_entropy_with_logits,
        "smooth_l1_loss": F.smooth_l1_loss,
        "mse_loss": F.mse_loss,
    }

    def with_gradient(loss, x, target):
        x, target = torch.from_numpy(x).clone().requires_grad_(), torch.from_numpy(target)

        def run():
            x.grad = None
            value = loss(x, target)
            value.backward()
            return value.detach(), x.grad

        return run

    return {name: with_gradient(loss, *work[name]) for name, loss in losses.items()}
