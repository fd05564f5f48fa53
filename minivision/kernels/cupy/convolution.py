"""Convolution and transpose convolution on the GPU: windows as columns, times the filters as a matrix (cuBLAS).

Each pass is one of three: filters slide over the input (`_correlate`), weighted copies of filters are written
(`_spread`), or products are summed over all places (`_filter_gradient`). The two operations swap the first two. The
windows of a whole batch would take kh * kw times its memory: only those of a few images are laid out at a time, and
none for 1 x 1 filters, whose windows are the input itself.
"""

import cupy

from minivision.kernels.cupy.launch import launch
from minivision.ops.convolution import conv_output_size, conv_transpose_output_size

COLUMNS = 64 << 20  # bytes of windows at a time; those of one image may be more


def conv2d(x, w, b, stride, padding, dilation, groups):
    size = conv_output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _correlate(x, w, b, size, stride, padding, dilation, groups)


def conv2d_backward(dy, x, w, stride, padding, dilation, groups):
    dx = _spread(dy, w, None, x.shape[2:], stride, padding, dilation, groups)
    return dx, *conv2d_filter_gradient(dy, x, w.shape[2:], stride, padding, dilation, groups)


def conv2d_filter_gradient(dy, x, kernel_size, stride, padding, dilation, groups):
    return _filter_gradient(x, dy, kernel_size, stride, padding, dilation, groups), dy.sum(axis=(0, 2, 3))


def conv_transpose2d(x, w, b, stride, padding, output_padding, dilation, groups):
    size = conv_transpose_output_size(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    return _spread(x, w, b, size, stride, padding, dilation, groups)


def conv_transpose2d_backward(dy, x, w, stride, padding, output_padding, dilation, groups):
    dx = _correlate(dy, w, None, x.shape[2:], stride, padding, dilation, groups)
    dw = _filter_gradient(dy, x, w.shape[2:], stride, padding, dilation, groups)
    return dx, dw, dy.sum(axis=(0, 2, 3))


def conv_matrix(w, input_size, stride, padding, dilation, groups):
    F, C_group = w.shape[:2]
    C, size = C_group * groups, conv_output_size(input_size, w.shape[2:], stride, padding, dilation)
    X = cupy.empty((F * size[0] * size[1], C * input_size[0] * input_size[1]), w.dtype)
    geometry = _geometry(input_size, size, w.shape[2:], stride, padding, dilation)
    launch("convolution", "conv_matrix", X.size, w, X, F // groups, C_group, C, *geometry)
    return X


def _correlate(x, w, b, size, stride, padding, dilation, groups):
    """Return the dot product of each filter with each window of x: (N, F, *size)."""
    N, F = len(x), len(w)
    y = cupy.empty((N, F, *size), x.dtype)
    filters = w.reshape(groups, F // groups, -1)
    geometry = _geometry(x.shape[2:], size, w.shape[2:], stride, padding, dilation)
    for images in _portions(x, geometry):
        product = cupy.matmul(filters, _columns(x[images], groups, geometry))  # (n, groups, F / groups, H_out * W_out)
        y[images] = product.reshape(-1, F, *size)
    return y if b is None else y + b[:, None, None]


def _spread(x, w, b, size, stride, padding, dilation, groups):
    """Return the copies of the filters, weighted by each value of x and summed where they overlap: (N, F, *size)."""
    (N, C, *small), (_, F_group, kh, kw) = x.shape, w.shape
    y = cupy.empty((N, F_group * groups, *size), x.dtype)
    filters = w.reshape(groups, C // groups, F_group * kh * kw).transpose(0, 2, 1)
    geometry = _geometry(size, small, (kh, kw), stride, padding, dilation)
    for images in _portions(y, geometry):
        values = x[images].reshape(-1, groups, C // groups, small[0] * small[1])
        columns = cupy.matmul(filters, values)  # (n, groups, F / groups * kh * kw, H * W of x)
        part = y[images]
        launch("convolution", "add_windows", part.size, columns, part, *geometry)
    return y if b is None else y + b[:, None, None]


def _filter_gradient(large, small, kernel_size, stride, padding, dilation, groups):
    """Return the sum over all places of each value of `small` times its window of `large`."""
    C, F = large.shape[1], small.shape[1]
    geometry = _geometry(large.shape[2:], small.shape[2:], kernel_size, stride, padding, dilation)
    dw = cupy.zeros((groups, C // groups * kernel_size[0] * kernel_size[1], F // groups), large.dtype)
    for images in _portions(large, geometry):
        values = small[images].reshape(-1, groups, F // groups, small.shape[2] * small.shape[3])
        columns = _columns(large[images], groups, geometry)
        dw += cupy.matmul(columns, values.transpose(0, 1, 3, 2)).sum(axis=0)
    return cupy.ascontiguousarray(dw.transpose(0, 2, 1)).reshape(F, C // groups, *kernel_size)


def _geometry(large, small, kernel_size, stride, padding, dilation):
    (top, _), (left, _) = padding
    return *large, *small, *kernel_size, *stride, top, left, *dilation


def _portions(large, geometry):
    """Yield the images of a batch as slices, as many at a time as their windows have room for."""
    N, C = large.shape[:2]
    _, _, H_out, W_out, kh, kw = geometry[:6]
    most = max(COLUMNS // max(C * kh * kw * H_out * W_out * large.dtype.itemsize, 1), 1)
    for start in range(0, N, most):
        yield slice(start, start + most)


def _columns(x, groups, geometry):
    """Lay out every window of x: (n, groups, C / groups * kh * kw, H_out * W_out)."""
    (n, C, H, W), (_, _, H_out, W_out, kh, kw, *steps) = x.shape, geometry
    if (H_out, W_out, kh, kw, *steps[:4]) == (H, W, 1, 1, 1, 1, 0, 0):
        return x.reshape(n, groups, C // groups, H * W)
    columns = cupy.empty((n, groups, C // groups * kh * kw, H_out * W_out), x.dtype)
    launch("convolution", "windows", columns.size, x, columns, *geometry)
    return columns
