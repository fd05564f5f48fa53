"""Benchmark of convolutions, forward and backward, with sizes as in the networks of the lecture."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

from minivision import ops
from minivision.bench.entry import Entry, draw, entry

# images, channels, size, filters, kernel, stride, padding
_CONVOLUTIONS = [
    (8, 3, 128, 16, 3, 1, 1),
    (16, 16, 64, 16, 3, 1, 1),
    (16, 16, 64, 32, 3, 1, 1),
    (16, 32, 32, 32, 3, 1, 1),
    (16, 64, 16, 64, 3, 1, 1),
    (8, 64, 64, 64, 3, 1, 1),
    (1, 64, 128, 64, 3, 1, 1),
    (8, 64, 64, 64, 3, 2, 1),
    (8, 64, 64, 64, 1, 1, 0),
    (8, 3, 128, 32, 7, 2, 3),
]
_TRANSPOSE_CONVOLUTIONS = [(8, 64, 32, 32, 4, 2, 1), (8, 64, 32, 32, 2, 2, 0), (16, 16, 64, 16, 4, 2, 1)]
_SMALL = 8  # rows and columns of the single image for the reference implementation


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    for N, C, H, F, k, stride, padding in _CONVOLUTIONS:
        geometry = {"stride": stride, "padding": padding}
        x, w, b, dy = _arrays(ops.conv2d, N * batch, C, H, (F, C, k, k), F, geometry)
        sx, _, _, sdy = _arrays(ops.conv2d, 1, C, _SMALL, (F, C, k, k), F, geometry)
        forward, backward, filters = _theirs(torch, dy, x, w, b, stride, padding, transposed=False)
        shown: dict[str, Any] = {
            "of": (x, sx),
            "note": f" -> {F}, {k}x{k}" + (f" /{stride}" if stride > 1 else ""),
            **geometry,
        }
        yield entry(ops.conv2d, (x, w, b), (sx, w, b), theirs=forward, **shown)
        yield entry(ops.conv2d_backward, (dy, x, w), (sdy, sx, w), theirs=backward, **shown)
        if C == 3:  # a first layer
            yield entry(ops.conv2d_filter_gradient, (dy, x, k), (sdy, sx, k), theirs=filters, **shown)
    for N, C, H, F, k, stride, padding in _TRANSPOSE_CONVOLUTIONS:
        geometry = {"stride": stride, "padding": padding}
        x, w, b, dy = _arrays(ops.conv_transpose2d, N * batch, C, H, (C, F, k, k), F, geometry)
        sx, _, _, sdy = _arrays(ops.conv_transpose2d, 1, C, _SMALL, (C, F, k, k), F, geometry)
        forward, backward, _ = _theirs(torch, dy, x, w, b, stride, padding, transposed=True)
        shown = {"of": (x, sx), "note": f" -> {F}, {k}x{k} /{stride}", **geometry}
        yield entry(ops.conv_transpose2d, (x, w, b), (sx, w, b), theirs=forward, **shown)
        yield entry(ops.conv_transpose2d_backward, (dy, x, w), (sdy, sx, w), theirs=backward, **shown)
    w = draw(8, 8, 3, 3)
    yield entry(ops.conv_matrix, (w, (16, 16)), (w, (16, 16)), note=", map of 16x16", padding=1)


def _arrays(op, N, C, H, shape_of_w, F, geometry):
    x, w, b = draw(N, C, H, H), draw(*shape_of_w), draw(F)
    return x, w, b, draw(*op(x, w, **geometry).shape)


def _theirs(torch, dy, x, w, b, stride, padding, *, transposed):
    """Return PyTorch's forward pass, its backward pass, and the backward pass for the filters only."""
    if torch is None:
        return None, None, None
    filters = b.size
    dy, x, w, b = map(torch.from_numpy, (dy, x, w, b))
    convolve = torch.nn.functional.conv_transpose2d if transposed else torch.nn.functional.conv2d

    def backward(output_mask):
        return torch.ops.aten.convolution_backward(
            dy, x, w, [filters], [stride] * 2, [padding] * 2, [1, 1], transposed, [0, 0], 1, output_mask
        )

    return (
        lambda: convolve(x, w, b, stride, padding),
        lambda: backward([True, True, True]),
        lambda: backward([False, True, True])[1:],
    )
