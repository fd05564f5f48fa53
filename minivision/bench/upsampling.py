"""Benchmark of upsampling maps of 32 x 32 by 2, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from minivision import ops
from minivision.bench.entry import Entry, draw, entry


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    x, dy = draw(8 * batch, 64, 32, 32), draw(8 * batch, 64, 64, 64)
    small_x, small_dy = draw(1, 64, 8, 8), draw(1, 64, 16, 16)
    theirs = _theirs(torch, x, dy) if torch else {}
    for name in ("bed_of_nails", "upsample_nearest", "upsample_bilinear"):
        shown: dict[str, Any] = {"of": (x, small_x), "note": ", x2"}
        yield entry(getattr(ops, name), (x,), (small_x,), theirs=theirs.get(name), **shown)
        name += "_backward"
        yield entry(getattr(ops, name), (dy,), (small_dy,), theirs=theirs.get(name), **shown)


def _theirs(torch, x, dy):
    F, aten = torch.nn.functional, torch.ops.aten
    x, dy = map(torch.from_numpy, (x, dy))
    size, whole, scales = list(dy.shape[2:]), list(x.shape), [2.0, 2.0]

    def bed_of_nails():
        y = x.new_zeros(dy.shape)
        y[:, :, ::2, ::2] = x
        return y

    return {
        "bed_of_nails": bed_of_nails,
        "bed_of_nails_backward": lambda: dy[:, :, ::2, ::2].contiguous(),
        "upsample_nearest": lambda: F.interpolate(x, scale_factor=2),
        "upsample_nearest_backward": lambda: aten.upsample_nearest2d_backward(dy, size, whole, *scales),
        "upsample_bilinear": lambda: F.interpolate(x, scale_factor=2, mode="bilinear"),
        "upsample_bilinear_backward": lambda: aten.upsample_bilinear2d_backward(dy, size, whole, False, *scales),
    }
