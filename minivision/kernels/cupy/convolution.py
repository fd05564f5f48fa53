"""CuPy kernels of convolution and transpose convolution: im2col, then matrix products (cuBLAS).

Each pass is one of three: a correlation with the filters (`_correlate2d`), its transpose (`_correlate2d_transpose`), or
the gradient of the filters (`_filter_gradient`). Convolution is the first forward and the second backward, transpose
convolution the other way round. The windows of a whole batch would take kh * kw times its memory, so only those of a
few images are copied at a time, and each pass over them is one large product. For 1 x 1 filters the windows are the
input itself, image by image.
"""

import math

import cupy

from minivision.core.geometry import conv_output_size, conv_transpose_output_size
from minivision.kernels.cupy.channels import sums
from minivision.kernels.cupy.launch import launch

WINDOW_BYTES = 64 << 20  # for the windows of several images at a time; those of one image may take more


def conv2d(x, w, b, stride, padding, dilation, groups):
    size = conv_output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return _correlate2d(x, w, b, size, stride, padding, dilation, groups)


def conv2d_backward(dy, x, w, stride, padding, dilation, groups):
    dx = _correlate2d_transpose(dy, w, None, x.shape[2:], stride, padding, dilation, groups)
    return dx, *conv2d_filter_gradient(dy, x, w.shape[2:], stride, padding, dilation, groups)


def conv2d_filter_gradient(dy, x, kernel_size, stride, padding, dilation, groups):
    return _filter_gradient(x, dy, kernel_size, stride, padding, dilation, groups), sums("channel_sums", dy)[0]


def conv_transpose2d(x, w, b, stride, padding, output_padding, dilation, groups):
    size = conv_transpose_output_size(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    return _correlate2d_transpose(x, w, b, size, stride, padding, dilation, groups)


def conv_transpose2d_backward(dy, x, w, stride, padding, output_padding, dilation, groups):
    dx = _correlate2d(dy, w, None, x.shape[2:], stride, padding, dilation, groups)
    dw = _filter_gradient(dy, x, w.shape[2:], stride, padding, dilation, groups)
    return dx, dw, sums("channel_sums", dy)[0]


def conv_matrix(w, input_size, stride, padding, dilation, groups):
    F, C_group = w.shape[:2]
    C, size = C_group * groups, conv_output_size(input_size, w.shape[2:], stride, padding, dilation)
    X = cupy.empty((F * size[0] * size[1], C * input_size[0] * input_size[1]), w.dtype)
    geometry = _geometry(input_size, size, w.shape[2:], stride, padding, dilation)
    launch("convolution", "conv_matrix", X.size, w, X, F // groups, C_group, C, *geometry)
    return X


def _correlate2d(x, w, b, size, stride, padding, dilation, groups):
    """Compute the dot product of each filter with each window of x: (N, F, *size)."""
    N, F = len(x), len(w)
    filters = w.reshape(groups, F // groups, math.prod(w.shape[1:]))
    geometry = _geometry(x.shape[2:], size, w.shape[2:], stride, padding, dilation)
    if _is_pointwise(geometry):
        return _plus_bias(_image_by_image(filters, x), b)
    y = cupy.empty((N, F, *size), x.dtype)
    for images in _batches_of_windows(x, geometry):
        product = _products(filters, _windows(x[images], groups, geometry))  # (groups, F / groups, n * H_out * W_out)
        maps = product.reshape(F, len(y[images]), *size).transpose(1, 0, 2, 3)
        if b is None:
            y[images] = maps
        else:
            cupy.add(maps, b[:, None, None], out=y[images])
    return y


def _correlate2d_transpose(x, w, b, size, stride, padding, dilation, groups):
    """Compute the sum of copies of the filters, one at each position of x, weighted by x: (N, F, *size)."""
    (N, C, *small), (_, F_group, kh, kw) = x.shape, w.shape
    filters = w.reshape(groups, C // groups, F_group * kh * kw).transpose(0, 2, 1)
    geometry = _geometry(size, small, (kh, kw), stride, padding, dilation)
    if _is_pointwise(geometry):
        return _plus_bias(_image_by_image(filters, x), b)
    y = cupy.empty((N, F_group * groups, *size), x.dtype)
    for images in _batches_of_windows(y, geometry):
        part = y[images]
        columns = _products(
            filters, _maps_side_by_side(x[images], groups)
        )  # (groups, F / groups * kh * kw, n * H * W of x)
        launch("convolution", "add_windows", part.size, columns, part, *part.shape[:2], *geometry)
    return _plus_bias(y, b)


def _filter_gradient(large, small, kernel_size, stride, padding, dilation, groups):
    """Return the sum over all places of each value of `small` times its window of `large`."""
    C, F = large.shape[1], small.shape[1]
    geometry = _geometry(large.shape[2:], small.shape[2:], kernel_size, stride, padding, dilation)
    dw = cupy.zeros((groups, C // groups * kernel_size[0] * kernel_size[1], F // groups), large.dtype)
    for images in _batches_of_windows(large, geometry):
        values = _maps_side_by_side(small[images], groups)
        dw += _products(_windows(large[images], groups, geometry), values.transpose(0, 2, 1))
    return cupy.ascontiguousarray(dw.transpose(0, 2, 1)).reshape(F, C // groups, *kernel_size)


def _geometry(large, small, kernel_size, stride, padding, dilation):
    (top, _), (left, _) = padding
    return *large, *small, *kernel_size, *stride, top, left, *dilation


def _is_pointwise(geometry):
    H, W, H_out, W_out, *steps = geometry
    return (H_out, W_out, *steps[:6]) == (H, W, 1, 1, 1, 1, 0, 0)


def _batches_of_windows(large, geometry):
    """Yield slices of the batch whose windows fit WINDOW_BYTES."""
    N, C = large.shape[:2]
    _, _, H_out, W_out, kh, kw = geometry[:6]
    max_images = max(WINDOW_BYTES // max(C * kh * kw * H_out * W_out * large.dtype.itemsize, 1), 1)
    for start in range(0, N, max_images):
        yield slice(start, start + max_images)


def _windows(x, groups, geometry):
    """Copy every window of x into a column: (groups, C / groups * kh * kw, n * H_out * W_out)."""
    (n, C, _, _), (_, _, H_out, W_out, kh, kw, *_) = x.shape, geometry
    columns = cupy.empty((groups, C // groups * kh * kw, n * H_out * W_out), x.dtype)
    launch("convolution", "windows", columns.size, x, columns, n, C, *geometry)
    return columns


def _maps_side_by_side(x, groups):
    """Place the maps of all images next to each other: (n, C, H, W) -> (groups, C / groups, n * H * W)."""
    n, C, H, W = x.shape
    return cupy.ascontiguousarray(x.transpose(1, 0, 2, 3)).reshape(groups, C // groups, n * H * W)


def _products(a, b):
    """Compute the matrix product of each group.

    A single group is multiplied without copies, also if it is transposed; for several groups CuPy copies such matrices.
    """
    return (a[0] @ b[0])[None] if len(a) == 1 else cupy.matmul(a, b)


def _image_by_image(filters, x):
    """Return the products of 1 x 1 filters (groups, F / groups, C / groups) with each image: (N, F, H, W)."""
    N, C, H, W = x.shape
    groups, F_group, C_group = filters.shape
    # A copy for each image: for what is broadcast CuPy first makes tables of pointers.
    filters = cupy.ascontiguousarray(cupy.broadcast_to(filters, (N, *filters.shape)))
    return cupy.matmul(filters, x.reshape(N, groups, C_group, H * W)).reshape(N, groups * F_group, H, W)


def _plus_bias(y, b):
    if b is not None:
        y += b[:, None, None]
    return y
