"""Numba kernels of ``conv2d``, ``conv_transpose2d``, their backward passes, and ``conv_matrix``.

Each pass is one of three: a correlation with the filters, its transpose, or the gradient of the filters
(``engine/direct.py``). Convolution is a correlation forward and its transpose backward, transpose convolution the other
way round. Where they are faster, 3 x 3 filters of stride 1 use Winograd's algorithm (``engine/winograd.py``,
``engine/winograd_gradient.py``), and 1 x 1 filters of stride 1 are matrix products (``engine/one_by_one.py``).
"""

import numba
import numpy as np

from minivision.core.compile import jit
from minivision.core.geometry import conv_output_size, conv_transpose_output_size
from minivision.kernels.numba.engine.direct import correlate2d, correlate2d_transpose, filter_gradient
from minivision.kernels.numba.engine.one_by_one import correlate_1x1, filter_gradient_1x1
from minivision.kernels.numba.engine.sums import sum_of
from minivision.kernels.numba.engine.winograd import suits_winograd, winograd
from minivision.kernels.numba.engine.winograd_gradient import suits_winograd_gradient, winograd_filter_gradient


def conv2d(x, w, b, stride, padding, dilation, groups):
    size = conv_output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _correlate(x, w, b, stride, padding, dilation, groups, size)


def conv2d_backward(dy, x, w, stride, padding, dilation, groups):
    dx = _correlate_transpose(dy, w, None, stride, padding, dilation, groups, x.shape[2:])
    return dx, *_filter_gradient(x, dy, w.shape[2:], stride, padding, dilation, groups)


def conv2d_filter_gradient(dy, x, kernel_size, stride, padding, dilation, groups):
    return _filter_gradient(x, dy, kernel_size, stride, padding, dilation, groups)


def conv_transpose2d(x, w, b, stride, padding, output_padding, dilation, groups):
    size = conv_transpose_output_size(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    return _correlate_transpose(x, w, b, stride, padding, dilation, groups, size)


def conv_transpose2d_backward(dy, x, w, stride, padding, output_padding, dilation, groups):
    dx = _correlate(dy, w, None, stride, padding, dilation, groups, x.shape[2:])
    dw, _ = _filter_gradient(dy, x, w.shape[2:], stride, padding, dilation, groups)
    return dx, dw, _sum_over_maps(dy)


def _correlate(x, w, b, stride, padding, dilation, groups, size):
    if _is_1x1(w.shape[2:], stride, padding, groups):
        return correlate_1x1(x, w, b)
    if _is_3x3(x, w.shape[2:], stride, dilation, groups) and suits_winograd(x, w.shape[0], size):
        return winograd(x, w, b, padding, size)
    return correlate2d(x, w, b, stride, padding, dilation, groups, tuple(size))


def _correlate_transpose(x, w, b, stride, padding, dilation, groups, size):
    if _is_1x1(w.shape[2:], stride, padding, groups):
        return correlate_1x1(x, w, b, transposed=True)
    if _is_3x3(x, w.shape[2:], stride, dilation, groups) and suits_winograd(x, w.shape[1], size):
        (top, bottom), (left, right) = padding
        flipped = ((2 - top, 2 - bottom), (2 - left, 2 - right))
        return winograd(x, w, b, flipped, size, flipped=True)
    return correlate2d_transpose(x, w, b, stride, padding, dilation, groups, tuple(size))


def _filter_gradient(x, dy, kernel_size, stride, padding, dilation, groups):
    if _is_1x1(kernel_size, stride, padding, groups):
        return filter_gradient_1x1(x, dy), _sum_over_maps(dy)
    if _is_3x3(x, kernel_size, stride, dilation, groups) and suits_winograd_gradient(x, dy):
        return winograd_filter_gradient(x, dy, padding), _sum_over_maps(dy)
    return filter_gradient(x, dy, kernel_size, stride, padding, dilation, groups)


def _is_1x1(kernel_size, stride, padding, groups):
    """Return whether each output is a sum over the channels of one pixel, at the same place."""
    return tuple(kernel_size) == (1, 1) == tuple(stride) and padding == ((0, 0), (0, 0)) and groups == 1


def _is_3x3(x, kernel_size, stride, dilation, groups):
    """Return whether Winograd's algorithm applies: float32, for gradient checks in float64 need the full accuracy."""
    return (
        x.dtype == np.float32
        and tuple(kernel_size) == (3, 3)
        and tuple(stride) == (1, 1) == tuple(dilation)
        and groups == 1
    )


def _sum_over_maps(dy):
    """Return the sum of dy over images, rows and columns."""
    sums = np.zeros(dy.shape[:2], dtype=dy.dtype)
    _sum_each_map(dy, sums)
    return sums.sum(axis=0)


@jit(parallel=True)
def _sum_each_map(dy, sums):
    N, F, H, W = dy.shape
    maps = dy.reshape(N * F, H * W)
    totals = sums.reshape(N * F)
    for k in numba.prange(N * F):
        totals[k] = sum_of(maps[k])


def conv_matrix(w, input_size, stride, padding, dilation, groups):
    F, C_group, kh, kw = w.shape
    H_out, W_out = conv_output_size(input_size, (kh, kw), stride, padding, dilation)
    X = np.zeros((F * H_out * W_out, C_group * groups * input_size[0] * input_size[1]), dtype=w.dtype)
    _conv_matrix(w, X, input_size, (H_out, W_out), stride, padding, dilation, groups)
    return X


@jit
def _conv_matrix(w, X, input_size, output_size, stride, padding, dilation, groups):
    F, C_group, kh, kw = w.shape
    H, W = input_size
    H_out, W_out = output_size
    for f in range(F):
        first = f // (F // groups) * C_group
        for i in range(H_out):
            for j in range(W_out):
                row = X[(f * H_out + i) * W_out + j]
                for c in range(C_group):
                    for ky in range(kh):
                        y = i * stride[0] + ky * dilation[0] - padding[0][0]
                        for kx in range(kw):
                            x = j * stride[1] + kx * dilation[1] - padding[1][0]
                            if 0 <= y < H and 0 <= x < W:
                                row[((first + c) * H + y) * W + x] = w[f, c, ky, kx]
