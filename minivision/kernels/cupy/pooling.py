"""CuPy kernels of pooling and max unpooling (``pooling.cu``)."""

import cupy
import numpy as np

from minivision.core.geometry import window_output_size
from minivision.kernels.cupy.launch import launch


def max_pool2d(x, kernel_size, stride, padding):
    y, geometry = _pooled(x, kernel_size, stride, padding)
    indices = cupy.empty(y.shape, np.int64)
    launch("pooling", "max_pool2d", y.size, x, y, indices, *geometry)
    return y, indices


def _pooled(x, kernel_size, stride, padding):
    """Return an empty array for the result, and the arguments of the kernels after it."""
    N, C, H, W = x.shape
    size = window_output_size((H, W), kernel_size, stride, padding)
    return cupy.empty((N, C, *size), x.dtype), _geometry((H, W), size, kernel_size, stride, padding)


def _geometry(input_size, output_size, kernel_size, stride, padding):
    (top, _), (left, _) = padding
    return *input_size, *output_size, *kernel_size, *stride, top, left


def max_pool2d_backward(dy, indices, input_size):
    return _add_at_indices(dy, indices, input_size)


def max_unpool2d(x, indices, output_size):
    return _add_at_indices(x, indices, output_size)


def _add_at_indices(values, indices, size):
    """Return maps of the given size with the values added at their flat indices, zeros elsewhere."""
    (N, C, H_in, W_in), (H, W) = values.shape, size
    reach = []  # for each row of the result, the first and last row of its values; also for columns
    for length, length_in in ((H, H_in), (W, W_in)):
        reach += [cupy.full(length, length_in, np.int32), cupy.full(length, -1, np.int32)]
    y = cupy.empty((N, C, H, W), values.dtype)
    launch("pooling", "reach", values.size, indices, *reach, W, H_in, W_in)
    launch("pooling", "add_at_indices", y.size, values, indices, *reach, y, H, W, H_in, W_in)
    return y


def max_unpool2d_backward(dy, indices):
    dx = cupy.empty(indices.shape, dy.dtype)
    plane_size, in_plane_size = dy.shape[2] * dy.shape[3], indices.shape[2] * indices.shape[3]
    launch("pooling", "max_unpool2d_backward", dx.size, dy, indices, dx, plane_size, in_plane_size)
    return dx


def avg_pool2d(x, kernel_size, stride, padding):
    y, geometry = _pooled(x, kernel_size, stride, padding)
    launch("pooling", "avg_pool2d", y.size, x, y, *geometry)
    return y


def avg_pool2d_backward(dy, input_size, kernel_size, stride, padding):
    dx = cupy.empty((*dy.shape[:2], *input_size), dy.dtype)
    geometry = _geometry(input_size, dy.shape[2:], kernel_size, stride, padding)
    launch("pooling", "avg_pool2d_backward", dx.size, dy, dx, *geometry)
    return dx


def global_avg_pool2d(x):
    return x.mean(axis=(2, 3))


def global_avg_pool2d_backward(dy, input_size):
    H, W = input_size
    dx = cupy.empty((*dy.shape, H, W), dy.dtype)
    dx[...] = (dy / (H * W))[:, :, None, None]
    return dx
