"""Convolution, normalization, max pooling, sum and ReLU at once, with filters that are prepared once."""

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.core.geometry import conv_output_size
from minivision.kernels.numba.convolution import _is_1x1
from minivision.kernels.numba.engine.direct import correlate2d, pack
from minivision.kernels.numba.engine.finishing import finish_run, how_to_finish
from minivision.kernels.numba.engine.one_by_one import correlate_1x1
from minivision.kernels.numba.engine.pooled import correlate2d_pooled, max_pool_2x2
from minivision.kernels.numba.engine.winograd import transform_filters, winograd
from minivision.kernels.numba.engine.winograd_tiles import is_worthwhile

_BLOCK = 8192  # numbers


class Filters:
    """The filters of a convolution in the forms that its algorithms read, made when they are first needed."""

    def __init__(self, w, b, stride, padding, dilation, groups):
        self.w, self.b, self.geometry = w, b, (stride, padding, dilation, groups)
        self._packed = self._transformed = None
        self.is_1x1 = _is_1x1(w.shape[2:], stride, padding, groups)
        self._may_be_winograd = (
            w.dtype == np.float32
            and w.shape[2:] == (3, 3)
            and tuple(stride) == tuple(dilation) == (1, 1)
            and groups == 1
        )

    def is_for_winograd(self, images, size):
        """Return whether Winograd's algorithm computes outputs of this size faster than the direct kernel."""
        F, C = self.w.shape[:2]
        return self._may_be_winograd and is_worthwhile(images, C, F, size, 0)  # the filters are transformed once

    def for_winograd(self):
        if self._transformed is None:
            self._transformed = transform_filters(self.w)
        return self._transformed

    def for_tile(self):
        if self._packed is None:
            self._packed = pack(self.w, self.b, self.geometry[3])
        return self._packed


def conv2d(x, filters, other, relu):
    """Return ``conv2d(x)``, plus the map `other` unless it is None, and the ReLU of it if `relu`.

    `x` is in C order, and `x` and `other` are in the dtype of the :class:`Filters`.
    """
    stride, padding, dilation, groups = filters.geometry
    w, b = filters.w, filters.b
    size = tuple(conv_output_size(x.shape[2:], w.shape[2:], stride, padding, dilation))
    if other is not None and (other.shape != (len(x), len(w), *size) or not other.flags.carray):
        y = conv2d(x, filters, None, False)
        y += other  # NumPy broadcasts it, or says what is wrong
        return _finished(y, None, relu)
    if filters.is_1x1:
        return _finished(correlate_1x1(x, w, b), other, relu)
    if filters.is_for_winograd(len(x), size):
        return winograd(x, w, b, padding, size, transformed=filters.for_winograd(), other=other, relu=relu)
    packed = filters.for_tile()
    return correlate2d(x, w, b, stride, padding, dilation, groups, size, packed=packed, other=other, relu=relu)


def _finished(y, other, relu):
    """Do what is left as a pass of its own."""
    if other is not None or relu:
        _finish(y.reshape(-1), (y if other is None else other).reshape(-1), how_to_finish(other, relu))
    return y


@jit(parallel=True)
def _finish(y, other, how):
    for block in numba.prange((y.size + _BLOCK - 1) // _BLOCK):
        finish_run(y, block * _BLOCK, min(_BLOCK, y.size - block * _BLOCK), other, how)


def max_pool2d(x, scale, shift, relu):
    """Return ``scale * max_pool2d(x, 2) + shift`` with numbers for each channel, and the ReLU of it if `relu`."""
    return max_pool_2x2(x, scale, shift, 0 if relu else -np.inf)


def conv2d_pooled(x, filters, scale, shift, relu):
    """Return ``max_pool2d`` as above of ``conv2d(x)``, or None where the two are as fast one after the other."""
    stride, padding, dilation, groups = filters.geometry
    size = tuple(conv_output_size(x.shape[2:], filters.w.shape[2:], stride, padding, dilation))
    if filters.is_1x1 or groups > 1 or min(size) < 2 or filters.is_for_winograd(len(x), size):
        return None
    lowest = 0 if relu else -np.inf
    kernel_size = filters.w.shape[2:]
    return correlate2d_pooled(
        x, filters.for_tile(), len(filters.w), kernel_size, stride, padding, dilation, size, scale, shift, lowest
    )


def are_unchanged(w, kept_w, others, kept_others):
    """Return whether the arrays have the numbers that were kept: filters, and a tuple of five small arrays."""
    return _same(w.reshape(-1), kept_w) and _all_same(others, kept_others)


@jit
def _all_same(arrays, kept):
    for k in range(5):
        if not _same(arrays[k], kept[k]):
            return False
    return True


@jit
def _same(array, kept):
    """Return whether all numbers are equal; NaN is equal to none."""
    if array.size != kept.size:
        return False
    for start in range(0, array.size, _BLOCK):
        a, b = array[start : start + _BLOCK], kept[start : start + _BLOCK]
        differences = 0
        for i in range(a.size):
            differences += a[i] != b[i]
        if differences:
            return False
    return True
