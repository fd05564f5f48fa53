"""Benchmark of pooling and unpooling, forward and backward: maps of 64 x 64, windows of 2 x 2."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from minivision import ops
from minivision.bench.entry import Entry, draw, entry


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    big, small = _arrays(8 * batch, 64), _arrays(1, 16)
    theirs = _theirs(torch, *big) if torch else {}

    def line(name, arguments_of, note=", 2x2"):
        shown = {"of": (big[0], small[0]), "note": note}  # the shapes of x
        return entry(getattr(ops, name), arguments_of(*big), arguments_of(*small), theirs=theirs.get(name), **shown)

    yield line("max_pool2d", lambda x, dy, y, indices: (x, 2))
    yield line("max_pool2d_backward", lambda x, dy, y, indices: (dy, indices, x.shape))
    yield line("max_unpool2d", lambda x, dy, y, indices: (y, indices, x.shape))
    yield line("max_unpool2d_backward", lambda x, dy, y, indices: (x, indices))
    yield line("avg_pool2d", lambda x, dy, y, indices: (x, 2))
    yield line("avg_pool2d_backward", lambda x, dy, y, indices: (dy, x.shape, 2))
    yield line("global_avg_pool2d", lambda x, dy, y, indices: (x,), note="")
    yield line("global_avg_pool2d_backward", lambda x, dy, y, indices: (dy[:, :, 0, 0], x.shape), note="")


def _arrays(N, H):
    """Return maps, a gradient of half their size, and the results of max pooling."""
    x = draw(N, 64, H, H)
    return x, draw(N, 64, H // 2, H // 2), *ops.max_pool2d(x, 2)


def _theirs(torch, x, dy, y, indices):
    F, aten = torch.nn.functional, torch.ops.aten
    x, dy, y, indices = map(torch.from_numpy, (x, dy, y, indices))
    H, W = x.shape[2:]
    return {
        "max_pool2d": lambda: F.max_pool2d(x, 2, return_indices=True),
        "max_pool2d_backward": lambda: aten.max_pool2d_with_indices_backward(
            dy, x, [2, 2], [2, 2], [0, 0], [1, 1], False, indices
        ),
        "max_unpool2d": lambda: F.max_unpool2d(y, indices, 2),
        # what PyTorch's own backward pass does
        "max_unpool2d_backward": lambda: x.flatten(2).gather(2, indices.flatten(2)).view(y.shape),
        "avg_pool2d": lambda: F.avg_pool2d(x, 2),
        "avg_pool2d_backward": lambda: aten.avg_pool2d_backward(dy, x, [2, 2], [2, 2], [0, 0], False, True, None),
        "global_avg_pool2d": lambda: x.mean((2, 3)),
        "global_avg_pool2d_backward": lambda: (dy[:, :, :1, :1] / (H * W)).expand(x.shape).contiguous(),
    }
