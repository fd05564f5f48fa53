"""Pooling: the largest or the mean value of each window of a map; and max unpooling."""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import (
    check_range,
    check_same_shape,
    check_shape,
    floats,
    integers,
    padding_pairs,
    pair,
    size_pair,
)
from minivision.core.dispatch import operation
from minivision.core.geometry import window_output_size
from minivision.core.types import Array, IntOrPair, Padding, Size


def _windows(kernel_size, stride, padding):
    """Return kernel size, stride (by default the kernel size) and padding as pairs."""
    kernel_size = pair("kernel_size", kernel_size)
    stride = kernel_size if stride is None else pair("stride", stride)
    return kernel_size, stride, padding_pairs(padding)


def _check_max_pool2d(x, kernel_size, stride, padding):
    (x,) = floats(x=x)
    check_shape("x", x, "N, C, H, W")
    kernel_size, stride, padding = _windows(kernel_size, stride, padding)
    output_size = window_output_size(x.shape[2:], kernel_size, stride, padding)
    for axis, n, k, s, (before, after), out in zip(
        ("height", "width"), x.shape[2:], kernel_size, stride, padding, output_size, strict=True
    ):
        if k <= before or (out - 1) * s - before >= n:
            raise ValueError(
                f"padding: along the {axis} ({n} pixels) a window of {k} with stride {s} lies completely "
                f"in the padding {before} + {after}, so it has no maximum; use less padding"
            )
    return x, kernel_size, stride, padding


@operation(check=_check_max_pool2d, returns=("y", "indices"))
def max_pool2d(
    x: Array, kernel_size: IntOrPair, *, stride: IntOrPair | None = None, padding: Padding = 0
) -> tuple[Array, Array]:
    """Maximum of each window of the feature maps, with its position.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    kernel_size : int or (int, int)
        Height and width of the window.
    stride : int or (int, int), optional
        Distance between windows in pixels; by default the kernel size, so that windows do not overlap.
    padding : int, (int, int) or ((int, int), (int, int))
        Rows and columns around the map that windows may cover; they never contain the maximum.

    Returns
    -------
    y : ndarray of shape (N, C, H', W')
        The maxima; ``H' = floor((H + top + bottom - kernel) / stride) + 1``, likewise W'. A window with a NaN
        gives NaN.
    indices : int64 ndarray of shape (N, C, H', W')
        Position of each maximum in its plane of x, as ``row * W + column``. Of equal values it is the first one; of
        several NaNs the last one.

    Raises
    ------
    ValueError
        If no window fits, or one lies completely in the padding.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.array([[1.0, 5.0, 2.0, 0.0], [3.0, 4.0, 0.0, 7.0]])[None, None]
    >>> y, indices = ops.max_pool2d(x, 2)
    >>> y.tolist(), indices.tolist()
    ([[[[5.0, 7.0]]]], [[[[1, 7]]]])
    """
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    y = np.empty((N, C, (H + top + bottom - kh) // sh + 1, (W + left + right - kw) // sw + 1), x.dtype)
    indices = np.empty(y.shape, np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        first_row, first_col = i * sh - top, j * sw - left
        best = None
        for row in range(max(first_row, 0), min(first_row + kh, H)):
            for col in range(max(first_col, 0), min(first_col + kw, W)):
                value = x[n, c, row, col]
                if best is None or value > best or value != value:  # only NaN differs from itself
                    best = value
                    indices[n, c, i, j] = row * W + col
        y[n, c, i, j] = best
    return y, indices


def _check_max_pool2d_backward(dy, indices, input_size):
    (dy,) = floats(dy=dy)
    indices, size = _plane_indices(indices, size_pair("input_size", input_size), "input_size", "dy", dy)
    return dy, indices, size


def _plane_indices(indices, size, size_name, values_name, values):
    """Check flat indices into planes of a given size, one for each element of `values`."""
    indices = integers("indices", indices)
    check_shape(values_name, values, "N, C, H, W")
    check_same_shape("indices", indices, values.shape, f"one for each value of {values_name}")
    H, W = size
    check_range("indices", indices, H * W, f"indices are row * W + column in a plane of {size_name} ({H}, {W})")
    return indices, size


@operation(check=_check_max_pool2d_backward, returns=("dx",))
def max_pool2d_backward(dy: Array, indices: Array, input_size: Size) -> Array:
    """Gradient of :func:`max_pool2d`: each value of `dy` is added at the position of its maximum.

    Parameters
    ----------
    dy : ndarray of shape (N, C, H', W')
        Upstream gradient.
    indices : int ndarray of shape (N, C, H', W')
        Second result of :func:`max_pool2d`: flat positions in the input's plane.
    input_size : (int, int)
        ``(H, W)`` of the input, or its whole shape.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input. A pixel that is the maximum of several windows gets the sum.

    Raises
    ------
    ValueError
        If an index lies outside the plane, or the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> dy, indices = np.array([[[[10.0, 20.0]]]]), np.array([[[[1, 7]]]])
    >>> ops.max_pool2d_backward(dy, indices, (2, 4)).tolist()
    [[[[0.0, 10.0, 0.0, 0.0], [0.0, 0.0, 0.0, 20.0]]]]
    """
    H, W = input_size
    N, C = dy.shape[:2]
    dx = np.zeros((N, C, H, W), dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        row, col = divmod(indices[n, c, i, j], W)
        dx[n, c, row, col] += dy[n, c, i, j]
    return dx


def _check_avg_pool2d(x, kernel_size, stride, padding):
    (x,) = floats(x=x)
    check_shape("x", x, "N, C, H, W")
    kernel_size, stride, padding = _windows(kernel_size, stride, padding)
    window_output_size(x.shape[2:], kernel_size, stride, padding)
    return x, kernel_size, stride, padding


@operation(check=_check_avg_pool2d)
def avg_pool2d(x: Array, kernel_size: IntOrPair, *, stride: IntOrPair | None = None, padding: Padding = 0) -> Array:
    """Mean of each window of the feature maps.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    kernel_size : int or (int, int)
        Height and width of the window.
    stride : int or (int, int), optional
        Distance between windows in pixels; by default the kernel size, so that windows do not overlap.
    padding : int, (int, int) or ((int, int), (int, int))
        Rows and columns of zeros around the map; they count in the mean (PyTorch's ``count_include_pad=True``).

    Returns
    -------
    y : ndarray of shape (N, C, H', W')
        The means; ``H' = floor((H + top + bottom - kernel) / stride) + 1``, likewise W'.

    Raises
    ------
    ValueError
        If no window fits.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.array([[1.0, 5.0, 2.0, 0.0], [3.0, 3.0, 0.0, 2.0]])[None, None]
    >>> ops.avg_pool2d(x, 2).tolist()
    [[[[3.0, 1.0]]]]
    """
    (kh, kw), (sh, sw), ((top, bottom), (left, right)) = kernel_size, stride, padding
    N, C, H, W = x.shape
    y = np.zeros((N, C, (H + top + bottom - kh) // sh + 1, (W + left + right - kw) // sw + 1), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        first_row, first_col = i * sh - top, j * sw - left
        for row in range(max(first_row, 0), min(first_row + kh, H)):
            for col in range(max(first_col, 0), min(first_col + kw, W)):
                y[n, c, i, j] += x[n, c, row, col]
        y[n, c, i, j] /= kh * kw
    return y


def _check_avg_pool2d_backward(dy, input_size, kernel_size, stride, padding):
    (dy,) = floats(dy=dy)
    check_shape("dy", dy, "N, C, H, W")
    size = size_pair("input_size", input_size)
    kernel_size, stride, padding = _windows(kernel_size, stride, padding)
    output_size = window_output_size(size, kernel_size, stride, padding, name="input_size")
    check_same_shape("dy", dy, dy.shape[:2] + output_size, "what avg_pool2d gives for this input_size")
    return dy, size, kernel_size, stride, padding


@operation(check=_check_avg_pool2d_backward, returns=("dx",))
def avg_pool2d_backward(
    dy: Array, input_size: Size, kernel_size: IntOrPair, *, stride: IntOrPair | None = None, padding: Padding = 0
) -> Array:
    """Gradient of :func:`avg_pool2d`: each value of `dy` is distributed equally over the pixels of its window.

    Parameters
    ----------
    dy : ndarray of shape (N, C, H', W')
        Upstream gradient.
    input_size : (int, int)
        ``(H, W)`` of the input, or its whole shape.
    kernel_size, stride, padding
        As given to :func:`avg_pool2d`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.avg_pool2d_backward(np.array([[[[4.0, 8.0]]]]), (2, 4), 2).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """
    (kh, kw), (sh, sw), ((top, _), (left, _)) = kernel_size, stride, padding
    H, W = input_size
    N, C = dy.shape[:2]
    dx = np.zeros((N, C, H, W), dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        first_row, first_col = i * sh - top, j * sw - left
        for row in range(max(first_row, 0), min(first_row + kh, H)):
            for col in range(max(first_col, 0), min(first_col + kw, W)):
                dx[n, c, row, col] += dy[n, c, i, j] / (kh * kw)
    return dx


def _check_global_avg_pool2d(x):
    (x,) = floats(x=x)
    check_shape("x", x, "N, C, H, W")
    if x.shape[2] * x.shape[3] == 0:
        raise ValueError(f"x: expected maps of at least one pixel, got shape {x.shape}: there is nothing to average")
    return (x,)


@operation(check=_check_global_avg_pool2d)
def global_avg_pool2d(x: Array) -> Array:
    """Mean of each feature map over all its pixels (global average pooling).

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.

    Returns
    -------
    y : ndarray of shape (N, C)
        The means, which a linear layer can take.

    Raises
    ------
    ValueError
        If the maps have no pixels.

    References
    ----------
    Lin, Chen, Yan, "Network In Network", 2014, section 3.2.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.global_avg_pool2d(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[1.5, 5.5]]
    """
    N, C, H, W = x.shape
    y = np.zeros((N, C), x.dtype)
    for n, c in np.ndindex(y.shape):
        for row, col in np.ndindex(H, W):
            y[n, c] += x[n, c, row, col]
        y[n, c] /= H * W
    return y


def _check_global_avg_pool2d_backward(dy, input_size):
    (dy,) = floats(dy=dy)
    check_shape("dy", dy, "N, C")
    H, W = size_pair("input_size", input_size)
    if H * W == 0:
        raise ValueError(f"input_size: expected maps of at least one pixel, got ({H}, {W})")
    return dy, (H, W)


@operation(check=_check_global_avg_pool2d_backward, returns=("dx",))
def global_avg_pool2d_backward(dy: Array, input_size: Size) -> Array:
    """Gradient of :func:`global_avg_pool2d`: each value of `dy` is distributed equally over the pixels of its map.

    Parameters
    ----------
    dy : ndarray of shape (N, C)
        Upstream gradient.
    input_size : (int, int)
        ``(H, W)`` of the input, or its whole shape.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input.

    Raises
    ------
    ValueError
        If `input_size` has no pixels.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.global_avg_pool2d_backward(np.array([[8.0]]), (2, 2)).tolist()
    [[[[2.0, 2.0], [2.0, 2.0]]]]
    """
    H, W = input_size
    dx = np.empty((*dy.shape, H, W), dy.dtype)
    for n, c in np.ndindex(dy.shape):
        dx[n, c] = dy[n, c] / (H * W)
    return dx


def _check_max_unpool2d(x, indices, output_size):
    (x,) = floats(x=x)
    indices, size = _plane_indices(indices, size_pair("output_size", output_size), "output_size", "x", x)
    return x, indices, size


@operation(check=_check_max_unpool2d)
def max_unpool2d(x: Array, indices: Array, output_size: Size) -> Array:
    """Max unpooling: put each value at the position that max pooling recorded, and zeros elsewhere.

    Parameters
    ----------
    x : ndarray of shape (N, C, H', W')
        Feature maps of the size of the output of :func:`max_pool2d`.
    indices : int ndarray of shape (N, C, H', W')
        Second result of :func:`max_pool2d`: flat positions in the output's plane.
    output_size : (int, int)
        ``(H, W)`` of the output, or its whole shape.

    Returns
    -------
    y : ndarray of shape (N, C, H, W)
        The values at their positions. If an index occurs several times (overlapping windows), the values are added;
        PyTorch would keep one of them.

    Raises
    ------
    ValueError
        If an index lies outside the plane, or the shapes do not match.

    References
    ----------
    Noh, Hong, Han, "Learning Deconvolution Network for Semantic Segmentation", 2015, section 3.2.1.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x, indices = np.array([[[[5.0, 7.0]]]]), np.array([[[[1, 7]]]])
    >>> ops.max_unpool2d(x, indices, (2, 4)).tolist()
    [[[[0.0, 5.0, 0.0, 0.0], [0.0, 0.0, 0.0, 7.0]]]]
    """
    H, W = output_size
    N, C = x.shape[:2]
    y = np.zeros((N, C, H, W), x.dtype)
    for n, c, i, j in np.ndindex(x.shape):
        row, col = divmod(indices[n, c, i, j], W)
        y[n, c, row, col] += x[n, c, i, j]
    return y


def _check_max_unpool2d_backward(dy, indices):
    (dy,) = floats(dy=dy)
    check_shape("dy", dy, "N, C, H, W")
    indices = integers("indices", indices)
    check_shape("indices", indices, f"{dy.shape[0]}, {dy.shape[1]}, H', W'", meaning="N and C as in dy")
    H, W = dy.shape[2:]
    check_range("indices", indices, H * W, f"indices are row * W + column in a plane of dy ({H}, {W})")
    return dy, indices


@operation(check=_check_max_unpool2d_backward, returns=("dx",))
def max_unpool2d_backward(dy: Array, indices: Array) -> Array:
    """Gradient of :func:`max_unpool2d`: `dy` at the position of each value.

    Parameters
    ----------
    dy : ndarray of shape (N, C, H, W)
        Upstream gradient.
    indices : int ndarray of shape (N, C, H', W')
        As given to :func:`max_unpool2d`.

    Returns
    -------
    dx : ndarray of shape (N, C, H', W')
        Gradient of the input.

    Raises
    ------
    ValueError
        If an index lies outside the plane, or the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> dy = np.arange(8.0).reshape(1, 1, 2, 4)
    >>> ops.max_unpool2d_backward(dy, np.array([[[[1, 7]]]])).tolist()
    [[[[1.0, 7.0]]]]
    """
    W = dy.shape[3]
    dx = np.empty(indices.shape, dy.dtype)
    for n, c, i, j in np.ndindex(indices.shape):
        row, col = divmod(indices[n, c, i, j], W)
        dx[n, c, i, j] = dy[n, c, row, col]
    return dx
