"""Benchmark of RoI pooling and RoIAlign, compared with torchvision, and of crops, compared with PyTorch's sampling."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from minivision import ops
from minivision.bench.boxes import draw_boxes, import_torchvision
from minivision.bench.entry import Entry, draw, entry

# images, channels, size of the map, regions, rows and columns of the grid
_POOLED = [(8, 64, 16, 64, 7), (8, 64, 16, 512, 7), (8, 64, 32, 256, 7), (8, 64, 32, 128, 14), (1, 256, 50, 512, 7)]
_CROPPED = [(4, 3, 128, 128, 32)]
_SMALL = (1, 8, 16, 8)  # for the reference implementation, with the same grid
_SCALE = 1 / 8  # size of a map relative to the image


def entries(torch: ModuleType | None, batch: int = 1) -> Iterator[Entry]:
    """Yield the entries of these operations, with batches `batch` times as large; `torch` is the module or None."""
    torchvision = import_torchvision(torch)
    for sizes, grid in _larger(_POOLED, batch):
        work, small = _pooled(sizes, grid), _pooled(_SMALL, grid)
        theirs = {} if torchvision is None else _torchvisions(torch, *work["roi_pool_backward"])
        for name in work:
            keywords: dict[str, Any] = {} if name == "roi_pool_backward" else {"spatial_scale": _SCALE}
            line = entry(getattr(ops, name), work[name], small[name], theirs=theirs.get(name), **keywords)
            yield line._replace(shape=_shape(sizes, grid), small_shape=_shape(_SMALL, grid))
    for sizes, grid in _larger(_CROPPED, batch):
        work, small = _cropped(sizes, grid), _cropped(_SMALL, grid)
        theirs = {} if torch is None else _torchs_crops(torch, *work["crop_and_resize"])
        for name in work:
            line = entry(getattr(ops, name), work[name], small[name], theirs=theirs.get(name), spatial_scale=_SCALE)
            yield line._replace(shape=_shape(sizes, grid), small_shape=_shape(_SMALL, grid))


def _larger(works, batch):
    return [((N * batch, C, size, count * batch), grid) for N, C, size, count, grid in works]


def _shape(sizes, grid):
    N, C, size, count = sizes
    return f"{N}x{C}x{size}x{size}, {count} to {grid}x{grid}"


def _pooled(sizes, grid):
    x, rois, dy = _arrays(*sizes, grid)
    _, argmax = ops.roi_pool(x, rois, grid, spatial_scale=_SCALE)
    return {
        "roi_pool": (x, rois, grid),
        "roi_pool_backward": (dy, rois, argmax, x.shape),
        "roi_align": (x, rois, grid),
        "roi_align_backward": (dy, rois, x.shape),
    }


def _cropped(sizes, grid):
    x, rois, dy = _arrays(*sizes, grid)
    return {"crop_and_resize": (x, rois, grid), "crop_and_resize_backward": (dy, rois, x.shape)}


def _arrays(N, C, size, count, grid):
    """Return maps, regions on them, and an upstream gradient."""
    images = np.random.default_rng(1).integers(0, N, count)
    rois = np.column_stack([images, draw_boxes(count, size / _SCALE)]).astype(np.float32)
    return draw(N, C, size, size), rois, draw(count, C, grid, grid)


def _torchvisions(torch, dy, rois, argmax, shape):
    grid = dy.shape[2:]
    x, dy, rois, argmax = map(torch.from_numpy, (draw(*shape), dy, rois, argmax))
    kernels = torch.ops.torchvision
    return {
        "roi_pool": lambda: kernels.roi_pool(x, rois, _SCALE, *grid),
        "roi_pool_backward": lambda: kernels._roi_pool_backward(dy, rois, argmax, _SCALE, *grid, *shape),
        "roi_align": lambda: kernels.roi_align(x, rois, _SCALE, *grid, -1, True),
        "roi_align_backward": lambda: kernels._roi_align_backward(dy, rois, _SCALE, *grid, *shape, -1, True),
    }


def _torchs_crops(torch, x, rois, size):
    """Return crops and their gradients with PyTorch, which samples a grid on a copy of the image for each crop."""
    low, high = (corner[:, None] * _SCALE for corner in (rois[:, 1:3], rois[:, 3:5]))
    steps = (np.arange(size)[:, None] + 0.5) / size
    places = np.clip(low + steps * (high - low), low + 0.5, high - 0.5)  # (K, size, 2): x and y of each step
    places = (2 * places / x.shape[:1:-1] - 1).astype(np.float32)  # from -1 to 1 over the width and the height
    across, down = np.broadcast_arrays(places[:, None, :, 0], places[:, :, None, 1])
    x, dy, images = (torch.from_numpy(a) for a in (x, draw(len(rois), x.shape[1], size, size), rois[:, 0].astype(int)))
    grid = torch.from_numpy(np.stack([across, down], axis=-1))

    def backward():
        copies = x[images]
        dcopies, _ = torch.ops.aten.grid_sampler_2d_backward(dy, copies, grid, 0, 0, False, [True, False])
        return torch.zeros_like(x).index_add_(0, images, dcopies)

    return {
        "crop_and_resize": lambda: torch.nn.functional.grid_sample(x[images], grid, align_corners=False),
        "crop_and_resize_backward": backward,
    }
