"""Cases for convolution: every keyword, rests in every direction, padding beyond the kernel, one pixel, no image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.ops import convolution as ops

if TYPE_CHECKING:
    from minivision.checks.cases import Cases

# x shape, w shape, keywords
_SHAPES: list[tuple[Any, Any, dict[str, Any]]] = [
    ((2, 3, 7, 6), (4, 3, 3, 3), {}),
    ((1, 1, 1, 1), (1, 1, 1, 1), {}),
    ((0, 2, 5, 5), (3, 2, 3, 3), {"padding": 1}),
    ((2, 4, 9, 8), (6, 2, 3, 2), {"stride": (2, 3), "padding": ((0, 2), (3, 1)), "groups": 2}),
    ((1, 2, 11, 10), (3, 2, 3, 3), {"dilation": (2, 3), "padding": 2}),
    ((2, 2, 4, 5), (2, 2, 2, 2), {"padding": 5, "stride": 3, "dilation": 2}),
    ((1, 3, 6, 7), (9, 3, 1, 1), {"stride": 2}),
    ((3, 17, 9, 8), (19, 17, 3, 3), {"padding": 1}),
    ((1, 16, 25, 26), (17, 16, 3, 3), {"padding": 1}),
    ((1, 16, 33, 35), (18, 16, 3, 3), {"padding": ((2, 0), (1, 3))}),
    ((2, 6, 8, 8), (6, 1, 3, 3), {"padding": 1, "groups": 6}),
    ((1, 2, 12, 60), (9, 2, 5, 7), {"stride": (4, 1), "padding": (2, 3)}),
    # Small ones, each with one setting that is easily forgotten, several images, and axes that could be swapped.
    ((2, 2, 5, 4), (3, 2, 3, 3), {"padding": 1}),
    ((2, 2, 7, 6), (2, 2, 3, 3), {"stride": 2}),
    ((2, 3, 6, 5), (3, 3, 3, 3), {"stride": (1, 2), "padding": (1, 2)}),
    ((2, 2, 6, 7), (3, 2, 2, 2), {"dilation": (2, 1)}),
    ((3, 4, 4, 5), (4, 2, 3, 3), {"groups": 2}),
    ((2, 2, 4, 3), (2, 2, 2, 3), {"padding": ((0, 1), (2, 1))}),
    # Filters of one pixel, one filter for each channel, taps on even and on odd columns.
    ((3, 10, 9, 7), (19, 10, 1, 1), {}),
    ((2, 5, 11, 12), (5, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 5}),
    ((1, 2, 7, 150), (2, 1, 3, 5), {"padding": (1, 2), "groups": 2}),
    ((2, 2, 9, 13), (3, 2, 3, 4), {"stride": 2, "padding": 2}),
]

_TRANSPOSE_SHAPES: list[tuple[Any, Any, dict[str, Any]]] = [
    ((1, 1, 1, 2), (1, 1, 1, 3), {"stride": 2}),
    ((2, 3, 4, 5), (3, 4, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}),
    ((2, 3, 4, 5), (3, 4, 4, 4), {"stride": 2, "padding": 1}),
    ((0, 2, 3, 3), (2, 2, 2, 2), {"stride": 2}),
    ((1, 4, 5, 3), (4, 3, 2, 3), {"stride": (3, 1), "padding": ((1, 0), (0, 2)), "groups": 2}),
    ((1, 2, 6, 5), (2, 2, 3, 3), {"dilation": (2, 1), "output_padding": (1, 0), "stride": (1, 3)}),
    ((1, 2, 5, 6), (2, 3, 1, 1), {"stride": 3}),  # a kernel smaller than the stride leaves holes
    ((1, 18, 25, 24), (18, 17, 3, 3), {"padding": 1}),
    ((1, 2, 9, 30), (2, 9, 4, 4), {"stride": 4, "output_padding": 3}),
    # Small ones, as above.
    ((2, 2, 3, 4), (2, 2, 3, 3), {"stride": 2}),
    ((2, 2, 4, 3), (2, 3, 3, 3), {"padding": 1}),
    ((2, 2, 3, 3), (2, 3, 2, 2), {"dilation": (1, 2)}),
    ((3, 4, 3, 2), (4, 2, 2, 2), {"stride": (2, 1), "groups": 2}),
    ((2, 9, 7, 5), (9, 11, 1, 1), {}),
    ((2, 3, 5, 6), (3, 1, 3, 3), {"stride": 2, "groups": 3}),
]


def _arrays(rng, *shapes):
    return tuple(rng.standard_normal(shape) for shape in shapes)


def conv2d(rng: np.random.Generator) -> Cases:
    for k, (x, w, keywords) in enumerate(_SHAPES):
        arrays = _arrays(rng, x, w, (w[0],))
        yield arrays if k % 2 == 0 else arrays[:2], keywords


def conv2d_backward(rng: np.random.Generator) -> Cases:
    for x, w, keywords in _SHAPES:
        x, w = _arrays(rng, x, w)
        yield (rng.standard_normal(ops.conv2d(x, w, **keywords).shape), x, w), keywords


def conv2d_filter_gradient(rng: np.random.Generator) -> Cases:
    for (dy, x, w), keywords in conv2d_backward(rng):
        yield (dy, x, w.shape[2:]), keywords


def conv_transpose2d(rng: np.random.Generator) -> Cases:
    for k, (x, w, keywords) in enumerate(_TRANSPOSE_SHAPES):
        arrays = _arrays(rng, x, w, (w[1] * keywords.get("groups", 1),))
        yield arrays if k % 2 == 0 else arrays[:2], keywords


def conv_transpose2d_backward(rng: np.random.Generator) -> Cases:
    for x, w, keywords in _TRANSPOSE_SHAPES:
        x, w = _arrays(rng, x, w)
        yield (rng.standard_normal(ops.conv_transpose2d(x, w, **keywords).shape), x, w), keywords


def conv_matrix(rng: np.random.Generator) -> Cases:
    cases: list[tuple[Any, Any, dict[str, Any]]] = [
        ((1, 2), (1, 1, 1, 3), {"padding": (0, 1)}),
        ((5, 4), (2, 2, 3, 3), {"padding": 1}),
        ((6, 7), (4, 1, 3, 2), {"stride": 2, "padding": ((1, 0), (2, 2)), "groups": 2}),
        ((7, 5), (1, 2, 2, 2), {"dilation": 2}),
    ]
    for size, w, keywords in cases:
        yield (rng.standard_normal(w), size), keywords
