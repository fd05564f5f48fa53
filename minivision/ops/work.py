"""How many multiplications of a sum of products an operation has, by its definition."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from minivision.ops.regions import count_samples

CORNERS = 4  # pixels that a bilinear interpolation weighs
FORWARD = ("conv2d", "conv_transpose2d", "linear")


def multiply_adds(op: Any, values: tuple, result: Any) -> int:
    """Return the number of multiply-adds of one call of an operation, by definition.

    Products that are added up are counted: those of convolutions, fully connected layers, recurrent steps, and
    RoIAlign's interpolations. Zeros of the padding count too, and what a fast algorithm (Winograd's) saves is not
    subtracted. All other operations take a few for each number that they read or write, and have 0 here.

    Parameters
    ----------
    op : operation
    values : tuple
        Its arguments, as ``op.normalize`` returns them.
    result
        What it returned.
    """
    count = _FORMULAS.get(op.__name__)
    return count(values, result) if count else 0


def forward_multiply_adds(op: Any, values: tuple, result: Any) -> int:
    """Return :func:`multiply_adds` of a convolution or a fully connected layer; 0 for all other operations.

    A convolution has ``C / groups * kh * kw`` for each output, a transpose convolution ``F / groups * kh * kw`` for
    each input, a fully connected layer one for each weight and example.
    """
    return multiply_adds(op, values, result) if op.__name__ in FORWARD else 0


def _taps(filters):
    """Return the number of products of one output with one of the filters (F, C / groups, kh, kw)."""
    return math.prod(filters.shape[1:])


def _filter_gradient(values, result):
    (dy, *_), (dw, _) = values, result
    return dy.size * _taps(dw)


def _roi_align(pooled, rois, spatial_scale, sampling_ratio, aligned):
    """Count for grids (K, C, rows, cols): a cell has as many samples as its size in pixels, rounded up."""
    _, C, *grid = pooled.shape
    return CORNERS * C * count_samples(rois, grid, spatial_scale, sampling_ratio, aligned)


def _roi_align_forward(values, result):
    _, rois, _, *how = values
    return _roi_align(result, rois, *how)


def _roi_align_backward(values, result):
    dy, rois, _, *how = values
    return _roi_align(dy, rois, *how)


_FORMULAS: dict[str, Callable[[tuple, Any], int]] = {
    "conv2d": lambda values, y: y.size * _taps(values[1]),  # each output is a sum over one filter
    "conv2d_backward": lambda values, _: 2 * values[0].size * _taps(values[2]),  # dx, and dw
    "conv2d_filter_gradient": _filter_gradient,
    "conv_transpose2d": lambda values, _: (
        values[0].size * _taps(values[1])
    ),  # each input weighs one copy of its filters
    "conv_transpose2d_backward": lambda values, _: 2 * values[1].size * _taps(values[2]),
    "linear": lambda values, y: y.size * _taps(values[1]),
    "linear_backward": lambda values, _: 2 * values[0].size * _taps(values[2]),
    "lstm_step": lambda values, _: len(values[0]) * (values[3].size + values[4].size),  # each weight, each sequence
    "lstm_step_backward": lambda values, _: 2 * len(values[2]) * (values[5].size + values[6].size),
    "rnn_step": lambda values, _: len(values[0]) * (values[2].size + values[3].size),
    "rnn_step_backward": lambda values, _: 2 * len(values[1]) * (values[3].size + values[4].size),
    "roi_align": _roi_align_forward,
    "roi_align_backward": _roi_align_backward,
}
