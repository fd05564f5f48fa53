"""Cases for pooling: windows that overlap, leave rows over, reach into uneven padding; maps of one pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.ops import pooling

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

# (shape of x, kernel_size, keywords)
_MAX_WINDOWS: list[tuple[Any, Any, dict[str, Any]]] = [
    ((2, 3, 8, 6), 2, {}),
    ((1, 1, 4, 4), (2, 2), {"stride": 2}),
    ((2, 2, 7, 9), 2, {}),  # a row and a column left over
    ((2, 3, 8, 7), 3, {"stride": 2, "padding": 1}),  # overlapping
    ((1, 2, 6, 5), 3, {"stride": 1}),
    ((2, 2, 5, 4), (3, 2), {"stride": (1, 2)}),
    ((2, 2, 5, 5), 2, {"stride": 1, "padding": 1}),
    ((1, 2, 6, 5), 3, {"stride": 1, "padding": ((2, 1), (0, 2))}),
    ((1, 2, 5, 9), (2, 3), {"stride": (1, 3), "padding": (1, 2)}),
    ((2, 1, 5, 5), 1, {"stride": 3}),
    ((1, 1, 1, 1), 1, {}),
    ((1, 1, 1, 1), 5, {"padding": 2}),
    ((1, 33, 4, 5), 2, {}),
    ((1, 1, 4, 80), (2, 4), {"stride": (2, 4)}),
    ((1, 1, 2, 80), 2, {}),
    ((0, 3, 4, 4), 2, {}),
    ((0, 3, 5, 4), 3, {"stride": 2, "padding": 1}),
    ((2, 0, 4, 4), 2, {}),
]
# A mean, unlike a maximum, may be taken over padding alone.
_AVG_WINDOWS: list[tuple[Any, Any, dict[str, Any]]] = [
    *_MAX_WINDOWS,
    ((1, 2, 3, 4), 2, {"padding": ((4, 0), (1, 5))}),
    ((1, 1, 1, 1), 3, {"padding": 4}),
]


def _pooled(x, kernel_size, keywords):
    return pooling.max_pool2d(x, kernel_size, **keywords)


def max_pool2d(rng: np.random.Generator) -> Cases:
    for shape, kernel_size, keywords in _MAX_WINDOWS:
        yield (rng.standard_normal(shape), kernel_size), keywords
    yield (rng.integers(0, 3, (2, 2, 8, 8)).astype(float), 2), {}  # many equals: the first must win
    yield (rng.integers(0, 3, (2, 2, 8, 8)).astype(float), 3), {"stride": 1, "padding": 1}
    yield (np.full((1, 1, 4, 4), -np.inf), 3), {"stride": 1, "padding": 1}
    with_nan = np.where(rng.random((1, 2, 8, 8)) < 0.2, np.nan, rng.standard_normal((1, 2, 8, 8)))
    yield (with_nan, 2), {}
    yield (with_nan, 3), {"stride": 1}


def max_pool2d_backward(rng: np.random.Generator) -> Cases:
    for shape, kernel_size, keywords in _MAX_WINDOWS:
        y, indices = _pooled(rng.standard_normal(shape), kernel_size, keywords)
        yield (rng.standard_normal(y.shape), indices, shape[2:]), {}
    yield (rng.standard_normal(y.shape), indices, shape), {}  # the whole shape works as well


def max_unpool2d(rng: np.random.Generator) -> Cases:
    yield from max_pool2d_backward(rng)
    # Indices that no pooling gave: anywhere in the plane, some of them twice.
    yield (rng.standard_normal((2, 3, 3, 4)), rng.integers(0, 48, (2, 3, 3, 4)), (6, 8)), {}
    yield (rng.standard_normal((1, 2, 2, 2)), np.zeros((1, 2, 2, 2), int), (5, 7)), {}


def max_unpool2d_backward(rng: np.random.Generator) -> Cases:
    for (x, indices, size), _ in max_unpool2d(rng):
        yield (rng.standard_normal((*x.shape[:2], *size[-2:])), indices), {}


def avg_pool2d(rng: np.random.Generator) -> Cases:
    for shape, kernel_size, keywords in _AVG_WINDOWS:
        yield (rng.standard_normal(shape), kernel_size), keywords


def avg_pool2d_backward(rng: np.random.Generator) -> Cases:
    for shape, kernel_size, keywords in _AVG_WINDOWS:
        y = pooling.avg_pool2d(np.zeros(shape), kernel_size, **keywords)
        yield (rng.standard_normal(y.shape), shape[2:], kernel_size), keywords
    yield (rng.standard_normal(y.shape), shape, kernel_size), keywords


_MAPS = [(2, 3, 4, 5), (1, 1, 1, 1), (2, 1, 17, 33), (1, 40, 2, 2), (0, 3, 4, 4), (3, 0, 4, 4)]


def global_avg_pool2d(rng: np.random.Generator) -> Cases:
    for shape in _MAPS:
        yield (rng.standard_normal(shape),), {}


def global_avg_pool2d_backward(rng: np.random.Generator) -> Cases:
    for shape in _MAPS:
        yield (rng.standard_normal(shape[:2]), shape[2:]), {}
    yield (rng.standard_normal(shape[:2]), shape), {}
