"""Layers in prediction: convolution, normalization, ReLU and the sum of a residual block in one pass over the maps.

Layers mean what their own ``forward`` says, and in training, where backward passes need what lies between them, these
run one after the other. In prediction two things are done at once:

- Batch normalization with running statistics scales and shifts each channel. A convolution with scaled filters and
  another bias computes the same ("folding"), and saves a pass over the maps.
- What follows a convolution element by element is done when a block of its output has been computed, while that is in
  the cache. Only the Numba backend has such functions (``kernels/numba/fused``); with another backend, in symbols
  or on a GPU the operations run one by one.

The folded filters are kept in the convolution, since Winograd's algorithm transforms them, with copies of all numbers
that they were made of. Each call compares these with the layers: whoever changed a parameter, and how, the filters are
folded anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minivision import ops
from minivision.core.arguments import padding_pairs, pair
from minivision.core.dispatch import fused_kernel
from minivision.core.types import Array
from minivision.layers.convolution import Conv2d
from minivision.layers.layer import Layer
from minivision.layers.normalization import BatchNorm2d
from minivision.layers.pointwise import ReLU
from minivision.layers.pooling import MaxPool2d


def predict_through(layers: Sequence[Layer], x: Array, *, other: Array | None = None, relu: bool = False) -> Array:
    """Return ``layers[-1](... layers[0](x))`` in prediction, several layers at once where that is possible.

    Parameters
    ----------
    layers : sequence of Layer
    x : ndarray
    other : ndarray, optional
        A map that is added to the result, as in a residual block.
    relu : bool
        Whether to return the ReLU of the sum.
    """
    k = 0
    while k < len(layers):
        layer: Any = layers[k]
        k += 1
        if not (_is_plain(layer, Conv2d) or _is_plain(layer, MaxPool2d)):
            x = layer.forward(x)
            continue
        pool: Any = layers[k] if isinstance(layer, Conv2d) and k < len(layers) and _is_2x2(layers[k]) else None
        k += pool is not None
        norm: Any = layers[k] if k < len(layers) and _is_plain(layers[k], BatchNorm2d) else None
        k += norm is not None
        cut = k < len(layers) and _is_plain(layers[k], ReLU)
        k += cut
        if pool is not None:
            x = _convolve_and_pool(x, layer, pool, norm, cut)
        elif isinstance(layer, MaxPool2d):
            x = _pool(x, layer, norm, cut)
        elif k < len(layers) or cut:
            x = _convolve(x, layer, norm, relu=cut)
        else:
            return _convolve(x, layer, norm, other=other, relu=relu)
    x = x if other is None else x + other
    return ops.relu(x) if relu else x


def _is_plain(layer: Layer, kind: type[Layer]) -> bool:
    """Return whether a layer is of this class and runs its ``forward``, which nobody has covered, as `watch` does."""
    return type(layer) is kind and "forward" not in vars(layer)


def _convolve(
    x: Array, conv: Conv2d, norm: BatchNorm2d | None, *, other: Array | None = None, relu: bool = False
) -> Array:
    """Return ``relu(norm(conv(x)) + other)``, or the part of this that is asked for."""
    kernel = fused_kernel("convolution.conv2d", x)
    filters = _filters(x, conv, norm) if kernel is not None else None
    if kernel is not None and filters is not None and (other is None or other.dtype == x.dtype):
        return kernel(x, filters, other, relu)
    y = ops.conv2d(x, *_fold(conv, norm), **conv.geometry)
    if other is not None:
        y += other
    return ops.relu(y) if relu else y


def _fold(conv: Conv2d, norm: BatchNorm2d | None) -> tuple[Array, Array | None]:
    """Return filters and bias: w and b times gamma / sqrt(var + eps); and beta - mean * gamma / sqrt(var + eps)."""
    w, b = conv.w.value, None if conv.b is None else conv.b.value
    if norm is None:
        return w, b
    scale, shift = _scale_and_shift(norm)
    return w * scale[:, None, None, None], shift if b is None else shift + b * scale


def _scale_and_shift(norm: BatchNorm2d) -> tuple[Array, Array]:
    """Return a and b of ``norm(x) = a x + b`` for each channel, with the running statistics."""
    scale = norm.gamma.value / (norm.running_var + norm.running_var.dtype.type(norm.eps)) ** 0.5
    return scale, norm.beta.value - norm.running_mean * scale


def _filters(x: Array, conv: Conv2d, norm: BatchNorm2d | None) -> Any:
    """Return the folded filters for the fused kernel, kept or made anew; None if it does not take these arrays."""
    w, none = conv.w.value, np.empty(0, x.dtype)
    others = (
        none if conv.b is None else conv.b.value,
        *((none,) * 4 if norm is None else (norm.gamma.value, norm.beta.value, norm.running_mean, norm.running_var)),
    )
    for array in (w, *others):
        if type(array) is not np.ndarray or array.dtype != x.dtype or not array.flags.carray:
            return None
    if x.ndim != 4 or x.shape[1] != w.shape[1] * conv.geometry["groups"]:
        return None
    settings = (x.dtype, w.shape, None if norm is None else norm.eps, *conv.geometry.values())
    kept = vars(conv).get("_kept")
    are_unchanged = fused_kernel("convolution.are_unchanged", x)
    assert are_unchanged is not None
    if kept is None or kept.settings != settings or not are_unchanged(w, kept.w, others, kept.others):
        make = fused_kernel("convolution.Filters", x)
        assert make is not None
        kept = vars(conv)["_kept"] = _Kept(conv, norm, others, settings, make)
    return kept.filters


class _Kept:
    """Folded filters, and copies of all that they were made of."""

    def __init__(
        self, conv: Conv2d, norm: BatchNorm2d | None, others: tuple[Array, ...], settings: tuple, make: Callable
    ) -> None:
        self.settings = settings
        self.w, self.others = conv.w.value.reshape(-1).copy(), tuple(array.copy() for array in others)
        w, b = _fold(conv, norm)
        geometry = conv.geometry
        stride, dilation = pair("stride", geometry["stride"]), pair("dilation", geometry["dilation"])
        self.filters = make(w.copy(), b, stride, padding_pairs(geometry["padding"]), dilation, geometry["groups"])


def _convolve_and_pool(x: Array, conv: Conv2d, pool: MaxPool2d, norm: BatchNorm2d | None, relu: bool) -> Array:
    """Return ``relu(norm(pool(conv(x))))``, or the part of this that is asked for."""
    kernel = fused_kernel("convolution.conv2d_pooled", x)
    filters = _filters(x, conv, None) if kernel is not None else None
    factors = _factors(norm, len(conv.w.value), x.dtype)
    if kernel is not None and filters is not None and factors is not None:
        y = kernel(x, filters, *factors, relu)
        if y is not None:
            return y
    return _pool(_convolve(x, conv, None), pool, norm, relu)


def _pool(x: Array, pool: MaxPool2d, norm: BatchNorm2d | None, relu: bool) -> Array:
    """Return ``relu(norm(pool(x)))``, or the part of this that is asked for."""
    kernel = (
        fused_kernel("convolution.max_pool2d", x) if _is_2x2(pool) and x.ndim == 4 and min(x.shape[2:]) > 1 else None
    )
    factors = _factors(norm, x.shape[1], x.dtype) if kernel is not None else None
    if kernel is not None and factors is not None:
        return kernel(x, *factors, relu)
    y = pool.forward(x)
    y = y if norm is None else norm.forward(y)
    return ops.relu(y) if relu else y


def _is_2x2(layer: Layer) -> bool:
    """Return whether a layer is max pooling of blocks of 2 x 2 pixels."""
    if not _is_plain(layer, MaxPool2d):
        return False
    assert isinstance(layer, MaxPool2d)
    size, stride, padding = (layer.geometry[name] for name in ("kernel_size", "stride", "padding"))
    return size in (2, (2, 2)) and stride in (None, 2, (2, 2)) and padding == 0


def _factors(norm: BatchNorm2d | None, channels: int, dtype: Any) -> tuple[Array, Array] | None:
    """Return scale and shift of a normalization for a kernel (1 and 0 without one); None if it does not take them."""
    if norm is None:
        return np.ones(channels, dtype), np.zeros(channels, dtype)
    scale, shift = _scale_and_shift(norm)
    fits = all(
        type(each) is np.ndarray and each.shape == (channels,) and each.dtype == dtype for each in (scale, shift)
    )
    return (scale, shift) if fits else None
