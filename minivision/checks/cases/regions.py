"""Cases for regions: several images, grids finer and coarser than the pixels, regions that are empty, inverted, cut
off by the border or far outside, and none at all; fewer, as many and more channels than a kernel computes at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision.ops import regions

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

# x shape, regions, output_size, spatial_scale
_SIZES = [
    ((2, 1, 6, 5), 4, 2, 1.0),
    ((3, 2, 4, 6), 5, (1, 3), 0.5),
    ((2, 3, 9, 12), 6, 2, 1.0),
    ((1, 1, 1, 1), 3, (2, 3), 1.0),
    ((3, 4, 8, 7), 9, 7, 0.25),
    ((1, 33, 6, 5), 4, (3, 2), 0.5),
    ((2, 65, 5, 6), 5, (1, 4), 2.0),
    ((2, 3, 5, 4), 0, 3, 1.0),
    ((0, 3, 5, 4), 0, 3, 1.0),
    ((2, 0, 5, 4), 2, 3, 1.0),
]

_LARGE = np.array([[0, -40, -30, 50, 60], [1, -300.0, -200.0, 100.0, 500.0]])  # than the map
_HUGE = np.array([[0, -1.2e6, -1e6, 1e6, 1.3e6], [0, -1e7, 2, 1e7, 2**24]])


def _random_rois(rng, count, images, height, width):
    """Return regions of which some reach over the border; no corner is at a half."""
    low = rng.uniform(-0.3, 0.8, (count, 2)) * (width, height)
    high = low + rng.uniform(0.05, 0.9, (count, 2)) * (width, height)
    return np.column_stack([rng.integers(0, max(images, 1), count), low, high])


def _awkward_rois(height, width):
    boxes = [
        (0, 0, width, height),
        (1, 2, 4, 5),  # on pixels
        (0.5, 1.5, 2.5, 3.5),  # on halves, which are rounded away from zero
        (-0.5, -1.5, 2.5, 4.5),
        (-2.5, -3.5, -1.5, -0.5),
        (2, 3, 2, 3),  # a point
        (1, 1, 1, 4),  # a line
        (4, 5, 1, 2),  # inverted
        (5, 1, 2, 4),  # inverted in x alone
        (1.3, 2.2, 1.9, 2.6),  # less than a pixel
        (-9, -9, -3, -3),  # outside
        (width + 3, 1, width + 6, 4),
        (-1, -1, 0, 0),
        (width - 1, height - 1, width + 1, height + 1),
        (-3, 2, 3, 2.5),
    ]
    return np.array([(k % 2, *box) for k, box in enumerate(boxes)], float)


def _inputs(rng):
    """Yield x, rois, output_size and spatial_scale."""
    for shape, count, output_size, scale in _SIZES:
        rois = _random_rois(rng, count, shape[0], shape[2] / scale, shape[3] / scale)
        yield rng.standard_normal(shape), rois, output_size, {"spatial_scale": scale}
    x = rng.standard_normal((2, 6, 7, 8))
    yield x, _awkward_rois(7, 8), 3, {}
    yield x, _awkward_rois(7, 8), (7, 2), {"spatial_scale": 0.5}
    yield x, _awkward_rois(7, 8), 1, {"spatial_scale": 1.7}
    yield np.round(x), _awkward_rois(7, 8), 2, {}  # many equals
    yield x, _LARGE, 3, {}


def _forward(rng):
    for x, rois, output_size, keywords in _inputs(rng):
        yield (x, rois, output_size), keywords
    x, rois = x.copy(), rois[rois[:, 3] < 100]
    x[0, 0, 2, 3], x[1, 1, 4, 4] = np.nan, np.nan
    yield (x, rois, 3), {}


def _backward(rng):
    for x, rois, output_size, keywords in _inputs(rng):
        rows, cols = output_size if isinstance(output_size, tuple) else (output_size, output_size)
        yield (rng.standard_normal((len(rois), x.shape[1], rows, cols)), rois, x.shape), keywords


def roi_pool(rng: np.random.Generator) -> Cases:
    yield from _forward(rng)
    big = rng.integers(0, 50, (1, 4, 40, 50)).astype(float)
    big[0, 0] = -np.inf
    yield (big, _random_rois(rng, 12, 1, 40, 50), 7), {}
    yield (big, _HUGE, 3), {}
    yield (big, np.array([[0, 2.0, 3.0, 8.0, 31.0]]), (11, 13)), {}  # edges that float32 rounds beyond a pixel


def roi_pool_backward(rng: np.random.Generator) -> Cases:
    for x, rois, output_size, keywords in _inputs(rng):
        y, argmax = regions.roi_pool(x, rois, output_size, **keywords)
        yield (rng.standard_normal(y.shape), rois, argmax, x.shape), {}


def _samplings(cases):
    for arguments, keywords in cases:
        yield arguments, keywords
        yield arguments, {**keywords, "aligned": False}
        yield arguments, {**keywords, "sampling_ratio": 2}
        yield arguments, {**keywords, "sampling_ratio": 3, "aligned": False}
    yield arguments, {"sampling_ratio": 1}
    yield arguments, {"sampling_ratio": 0}  # as -1


def roi_align(rng: np.random.Generator) -> Cases:
    yield from _samplings(_forward(rng))
    yield (rng.standard_normal((1, 2, 30, 40)), _random_rois(rng, 5, 1, 30, 40), 2), {}  # many samples in a cell
    yield (rng.standard_normal((1, 2, 5, 6)), _HUGE, 3), {"sampling_ratio": 4}


def roi_align_backward(rng: np.random.Generator) -> Cases:
    yield from _samplings(_backward(rng))
    shape = (1, 2, 30, 40)
    yield (rng.standard_normal((5, 2, 2, 2)), _random_rois(rng, 5, 1, 30, 40), shape), {}
    yield (rng.standard_normal((2, 2, 3, 3)), _HUGE, (1, 2, 5, 6)), {"sampling_ratio": 4}


def crop_and_resize(rng: np.random.Generator) -> Cases:
    yield from _forward(rng)
    yield (rng.standard_normal((1, 3, 12, 10)), _random_rois(rng, 3, 1, 12, 10), 32), {}
    yield (rng.standard_normal((1, 2, 5, 6)), _HUGE, 4), {}


def crop_and_resize_backward(rng: np.random.Generator) -> Cases:
    yield from _backward(rng)
