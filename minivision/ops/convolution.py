"""Convolution, its transpose, and their matrix.

Layouts are PyTorch's: ``w`` of a convolution is ``(F, C / groups, kh, kw)``, of a transpose convolution
``(C, F / groups, kh, kw)``, where C counts the channels of ``x`` and F those of ``y``. As everywhere in this field,
"convolution" is the sliding dot product, and the filter is not flipped.
"""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import (
    check_same_shape,
    check_shape,
    floats,
    integer,
    padding_pairs,
    pair,
    size_pair,
)
from minivision.core.dispatch import operation
from minivision.core.geometry import conv_output_size, conv_transpose_output_size, window_output_size
from minivision.core.types import Array, IntOrPair, Padding, PaddingPairs, Size

MAX_PHASES = 2**14  # of a transpose convolution: the positions of an output pixel between those of the input

# ---- argument checks -------------------------------------------------------------------------------------------


def _geometry(stride, padding, dilation):
    return pair("stride", stride), padding_pairs(padding), pair("dilation", dilation)


def _check_filters(w, groups):
    check_shape("w", w, "F, C, kh, kw")
    if 0 in w.shape[1:]:
        raise ValueError(f"w: a filter needs at least one channel, row and column, got shape {w.shape}")
    groups = integer("groups", groups, minimum=1)
    if w.shape[0] % groups:
        raise ValueError(f"groups: {groups} groups cannot share the {w.shape[0]} entries of w's first axis evenly")
    return groups


def _check_channels(x, channels, w, groups):
    if x.shape[1] != channels:
        raise ValueError(
            f"x: expected {channels} channels for w of shape {w.shape} with groups={groups}, got {x.shape[1]} "
            f"(x has shape {x.shape})"
        )


def _check_bias(b, outputs):
    if b is not None and b.shape != (outputs,):
        raise ValueError(f"b: expected shape ({outputs},), one bias for each output channel, got {b.shape}")


def _check_conv2d(x, w, b, stride, padding, dilation, groups):
    x, w, b = floats("b", x=x, w=w, b=b)
    check_shape("x", x, "N, C, H, W")
    groups = _check_filters(w, groups)
    _check_channels(x, w.shape[1] * groups, w, groups)
    _check_bias(b, w.shape[0])
    stride, padding, dilation = _geometry(stride, padding, dilation)
    conv_output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    return x, w, b, stride, padding, dilation, groups


def _check_conv2d_backward(dy, x, w, stride, padding, dilation, groups):
    dy, x, w = floats(dy=dy, x=x, w=w)
    x, w, _, stride, padding, dilation, groups = _check_conv2d(x, w, None, stride, padding, dilation, groups)
    size = conv_output_size(x.shape[2:], w.shape[2:], stride, padding, dilation)
    check_same_shape("dy", dy, (x.shape[0], w.shape[0], *size), "that of conv2d's y for this x and w")
    return dy, x, w, stride, padding, dilation, groups


def _check_conv2d_filter_gradient(dy, x, kernel_size, stride, padding, dilation, groups):
    dy, x = floats(dy=dy, x=x)
    check_shape("x", x, "N, C, H, W")
    check_shape("dy", dy, "N, F, H_out, W_out")
    kernel_size = pair("kernel_size", kernel_size)
    stride, padding, dilation = _geometry(stride, padding, dilation)
    groups = integer("groups", groups, minimum=1)
    for name, array in (("x", x), ("dy", dy)):
        if array.shape[1] % groups:
            raise ValueError(f"groups: {groups} groups cannot share the {array.shape[1]} channels of {name} evenly")
    size = conv_output_size(x.shape[2:], kernel_size, stride, padding, dilation)
    check_same_shape("dy", dy, (x.shape[0], dy.shape[1], *size), "that of conv2d's y for this x and kernel_size")
    return dy, x, kernel_size, stride, padding, dilation, groups


def _check_conv_transpose2d(x, w, b, stride, padding, output_padding, dilation, groups):
    x, w, b = floats("b", x=x, w=w, b=b)
    check_shape("x", x, "N, C, H, W")
    groups = _check_filters(w, groups)
    _check_channels(x, w.shape[0], w, groups)
    _check_bias(b, w.shape[1] * groups)
    stride, padding, dilation = _geometry(stride, padding, dilation)
    if stride[0] * stride[1] > MAX_PHASES:
        raise ValueError(
            f"stride: expected at most {MAX_PHASES} pixels of the output for one of x, got {stride[0]} x {stride[1]}"
        )
    output_padding = pair("output_padding", output_padding, minimum=0)
    for extra, s, d in zip(output_padding, stride, dilation, strict=True):
        if extra >= max(s, d):
            raise ValueError(
                f"output_padding: must be smaller than the stride or the dilation ({max(s, d)}), got {extra}; "
                "it only chooses among the input sizes for which a convolution has the same output size"
            )
    conv_transpose_output_size(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    return x, w, b, stride, padding, output_padding, dilation, groups


def _check_conv_transpose2d_backward(dy, x, w, stride, padding, output_padding, dilation, groups):
    dy, x, w = floats(dy=dy, x=x, w=w)
    x, w, _, stride, padding, output_padding, dilation, groups = _check_conv_transpose2d(
        x, w, None, stride, padding, output_padding, dilation, groups
    )
    size = conv_transpose_output_size(x.shape[2:], w.shape[2:], stride, padding, output_padding, dilation)
    expected = (x.shape[0], w.shape[1] * groups, *size)
    check_same_shape("dy", dy, expected, "that of conv_transpose2d's y for this x and w")
    return dy, x, w, stride, padding, output_padding, dilation, groups


def _check_conv_matrix(w, input_size, stride, padding, dilation, groups):
    (w,) = floats(w=w)
    groups = _check_filters(w, groups)
    input_size = size_pair("input_size", input_size)
    stride, padding, dilation = _geometry(stride, padding, dilation)
    window_output_size(input_size, w.shape[2:], stride, padding, dilation, name="input_size")
    return w, input_size, stride, padding, dilation, groups


# ---- reference implementations ---------------------------------------------------------------------------------


def pad(x: Array, padding: PaddingPairs) -> Array:
    """Return maps of shape (N, C, H, W) with rows and columns of zeros around each."""
    N, C, H, W = x.shape
    (top, bottom), (left, right) = padding
    padded = np.zeros((N, C, top + H + bottom, left + W + right), dtype=x.dtype)
    padded[:, :, top : top + H, left : left + W] = x
    return padded


def window_slices(i: int, j: int, kernel_size: Size, stride: Size, dilation: Size) -> tuple[slice, slice]:
    """Return the rows and the columns in the window of output element (i, j), as slices."""
    (kh, kw), (sh, sw), (dh, dw) = kernel_size, stride, dilation
    rows = slice(i * sh, i * sh + dh * (kh - 1) + 1, dh)
    columns = slice(j * sw, j * sw + dw * (kw - 1) + 1, dw)
    return rows, columns


@operation(check=_check_conv2d)
def conv2d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Array:
    """Convolution: dot product of each filter with each window of the input.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    w : ndarray of shape (F, C / groups, kh, kw)
        Filters.
    b : ndarray of shape (F,), optional
        Bias of each filter.
    stride, dilation : int or (int, int)
        Distance between windows, and between the taps of a filter, in pixels.
    padding : int, (int, int) or ((top, bottom), (left, right))
        Rows and columns of zeros around the input.
    groups : int
        Number of independent groups of channels and filters.

    Returns
    -------
    y : ndarray of shape (N, F, H_out, W_out)
        ``H_out = floor((H + top + bottom - dilation * (kh - 1) - 1) / stride) + 1``, likewise W_out.

    Raises
    ------
    ValueError
        If the shapes do not match, or the window is larger than the padded input.
    TypeError
        If `x` is not float32 or float64.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, relationships 6 and 14.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x = np.arange(9.0).reshape(1, 1, 3, 3)
    >>> w = np.array([[1.0, 0.0], [0.0, -1.0]])[None, None]
    >>> ops.conv2d(x, w).tolist()
    [[[[-4.0, -4.0], [-4.0, -4.0]]]]
    >>> ops.conv2d(x, w, np.array([10.0]), stride=2, padding=1).tolist()
    [[[[10.0, 8.0], [4.0, 6.0]]]]
    """
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    H_out, W_out = conv_output_size((H, W), (kh, kw), stride, padding, dilation)
    padded = pad(x, padding)
    y = np.zeros((N, F, H_out, W_out), dtype=x.dtype)
    for n in range(N):
        for f in range(F):
            group = f // (F // groups)
            channels = slice(group * C_group, (group + 1) * C_group)
            for i in range(H_out):
                for j in range(W_out):
                    rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                    window = padded[n, channels, rows, columns]  # (C / groups, kh, kw)
                    y[n, f, i, j] = (window * w[f]).sum()
                    if b is not None:
                        y[n, f, i, j] = y[n, f, i, j] + b[f]
    return y


@operation(check=_check_conv2d_backward, returns=("dx", "dw", "db"))
def conv2d_backward(
    dy: Array,
    x: Array,
    w: Array,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """Gradients of :func:`conv2d`.

    Parameters
    ----------
    dy : ndarray of shape (N, F, H_out, W_out)
        Upstream gradient.
    x, w : ndarray
        As given to :func:`conv2d`.
    stride, padding, dilation, groups
        As given to :func:`conv2d`.

    Returns
    -------
    dx, dw, db : ndarray
        Gradients of x, w and b, in their shapes; ``db`` also if there was no bias.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x, w, dy = np.array([[[[1.0, 2.0, 3.0]]]]), np.array([[[[10.0, 20.0]]]]), np.array([[[[1.0, 1.0]]]])
    >>> dx, dw, db = ops.conv2d_backward(dy, x, w)
    >>> dx.tolist(), dw.tolist(), db.tolist()
    ([[[[10.0, 30.0, 20.0]]]], [[[[3.0, 5.0]]]], [2.0])
    """
    N, C, H, W = x.shape
    F, C_group, kh, kw = w.shape
    (top, _), (left, _) = padding
    padded = pad(x, padding)
    dpadded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    db = np.zeros(F, dtype=dy.dtype)
    for n in range(N):
        for f in range(F):
            group = f // (F // groups)
            channels = slice(group * C_group, (group + 1) * C_group)
            for i in range(dy.shape[2]):
                for j in range(dy.shape[3]):
                    rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                    dpadded[n, channels, rows, columns] += dy[n, f, i, j] * w[f]
                    dw[f] += dy[n, f, i, j] * padded[n, channels, rows, columns]
                    db[f] += dy[n, f, i, j]
    dx = dpadded[:, :, top : top + H, left : left + W].copy()  # without the gradient of the padding
    return dx, dw, db


@operation(check=_check_conv2d_filter_gradient, returns=("dw", "db"))
def conv2d_filter_gradient(
    dy: Array,
    x: Array,
    kernel_size: IntOrPair,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> tuple[Array, Array]:
    """Gradients of :func:`conv2d` for filters and bias only: in the first layer of a network the image needs none.

    Parameters
    ----------
    dy : ndarray of shape (N, F, H_out, W_out)
        Upstream gradient.
    x : ndarray of shape (N, C, H, W)
        As given to :func:`conv2d`.
    kernel_size : int or (int, int)
        Height and width of the filters.
    stride, padding, dilation, groups
        As given to :func:`conv2d`.

    Returns
    -------
    dw : ndarray of shape (F, C / groups, kh, kw)
    db : ndarray of shape (F,)

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x, dy = np.array([[[[1.0, 2.0, 3.0]]]]), np.array([[[[1.0, 1.0]]]])
    >>> dw, db = ops.conv2d_filter_gradient(dy, x, (1, 2))
    >>> dw.tolist(), db.tolist()
    ([[[[3.0, 5.0]]]], [2.0])
    """
    filters = np.zeros((dy.shape[1], x.shape[1] // groups, *kernel_size), dtype=x.dtype)  # their values do not matter
    _, dw, db = conv2d_backward(dy, x, filters, stride=stride, padding=padding, dilation=dilation, groups=groups)
    return dw, db


@operation(check=_check_conv_transpose2d)
def conv_transpose2d(
    x: Array,
    w: Array,
    b: Array | None = None,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> Array:
    """Transpose convolution: add up copies of the filters in the output, weighted by the input values.

    It multiplies by the transpose of the matrix of :func:`conv2d` with the same `w` and `stride`. It is also called
    upconvolution, fractionally strided or backward strided convolution.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    w : ndarray of shape (C, F / groups, kh, kw)
        Filters.
    b : ndarray of shape (F,), optional
        Bias of each output channel.
    stride, dilation : int or (int, int)
        Distance between copies, and between the taps of a filter, in output pixels.
    padding : int, (int, int) or ((top, bottom), (left, right))
        Rows and columns that are cut off around the output.
    output_padding : int or (int, int)
        Additional rows at the bottom and columns at the right; less than the stride or the dilation.
    groups : int
        Number of independent groups of channels and filters.

    Returns
    -------
    y : ndarray of shape (N, F, H_out, W_out)
        ``H_out = (H - 1) * stride - top - bottom + dilation * (kh - 1) + output_padding + 1``, likewise W_out.

    Raises
    ------
    ValueError
        If the shapes do not match, or the output has no pixels.
    TypeError
        If `x` is not float32 or float64.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, relationship 14;
    Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x, w = np.array([[[[1.0, 10.0]]]]), np.array([[[[1.0, 2.0, 3.0]]]])
    >>> ops.conv_transpose2d(x, w, stride=2).tolist()
    [[[[1.0, 2.0, 13.0, 20.0, 30.0]]]]
    """
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    H_out, W_out = conv_transpose_output_size((H, W), (kh, kw), stride, padding, output_padding, dilation)
    (top, bottom), (left, right) = padding
    canvas = np.zeros((N, F_group * groups, top + H_out + bottom, left + W_out + right), dtype=x.dtype)
    for n in range(N):
        for c in range(C):
            group = c // (C // groups)
            outputs = slice(group * F_group, (group + 1) * F_group)
            for i in range(H):
                for j in range(W):
                    rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                    canvas[n, outputs, rows, columns] += x[n, c, i, j] * w[c]
    y = canvas[:, :, top : top + H_out, left : left + W_out].copy()
    if b is not None:
        y += b[:, None, None]
    return y


@operation(check=_check_conv_transpose2d_backward, returns=("dx", "dw", "db"))
def conv_transpose2d_backward(
    dy: Array,
    x: Array,
    w: Array,
    *,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    output_padding: IntOrPair = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
) -> tuple[Array, Array, Array]:
    """Gradients of :func:`conv_transpose2d`.

    Parameters
    ----------
    dy : ndarray of shape (N, F, H_out, W_out)
        Upstream gradient.
    x, w : ndarray
        As given to :func:`conv_transpose2d`.
    stride, padding, output_padding, dilation, groups
        As given to :func:`conv_transpose2d`.

    Returns
    -------
    dx, dw, db : ndarray
        Gradients of x, w and b, in their shapes; ``db`` also if there was no bias.

    Raises
    ------
    ValueError
        If the shapes do not match.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> x, w, dy = np.array([[[[1.0, 10.0]]]]), np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 2.0, 3.0]]]])
    >>> dx, dw, db = ops.conv_transpose2d_backward(dy, x, w)
    >>> dx.tolist(), dw.tolist(), db.tolist()
    ([[[[5.0, 8.0]]]], [[[[21.0, 32.0]]]], [6.0])
    """
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    dcanvas = pad(dy, padding)  # what was cut off has no influence on the loss
    dx = np.zeros_like(x)
    dw = np.zeros_like(w)
    for n in range(N):
        for c in range(C):
            group = c // (C // groups)
            outputs = slice(group * F_group, (group + 1) * F_group)
            for i in range(H):
                for j in range(W):
                    rows, columns = window_slices(i, j, (kh, kw), stride, dilation)
                    window = dcanvas[n, outputs, rows, columns]  # (F / groups, kh, kw)
                    dx[n, c, i, j] = (window * w[c]).sum()
                    dw[c] += x[n, c, i, j] * window
    db = dy.sum(axis=(0, 2, 3))
    return dx, dw, db


@operation(check=_check_conv_matrix, returns=("X",))
def conv_matrix(
    w: Array, input_size: Size, *, stride: IntOrPair = 1, padding: Padding = 0, dilation: IntOrPair = 1, groups: int = 1
) -> Array:
    """Matrix of a convolution as a linear map.

    With ``a = x[n].ravel()`` and no bias, ``conv2d(x, w)[n].ravel()`` is ``X @ a``, and the transpose convolution
    ``conv_transpose2d(z, w)[n].ravel()`` is ``X.T @ z[n].ravel()``.

    Parameters
    ----------
    w : ndarray of shape (F, C / groups, kh, kw)
        Filters.
    input_size : (int, int)
        ``(H, W)`` of the input of the convolution.
    stride, padding, dilation, groups
        As in :func:`conv2d`.

    Returns
    -------
    X : ndarray of shape (F * H_out * W_out, C * H * W)
        Each row contains one filter at its position for one output element, and zeros elsewhere.

    Raises
    ------
    ValueError
        If the window is larger than the padded input.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.conv_matrix(np.array([[[[1.0, 2.0]]]]), (1, 4)).tolist()
    [[1.0, 2.0, 0.0, 0.0], [0.0, 1.0, 2.0, 0.0], [0.0, 0.0, 1.0, 2.0]]
    """
    F, C_group, kh, kw = w.shape
    (H, W), C = input_size, C_group * groups
    (sh, sw), (dh, dw), ((top, _), (left, _)) = stride, dilation, padding
    H_out, W_out = conv_output_size((H, W), (kh, kw), stride, padding, dilation)
    X = np.zeros((F, H_out, W_out, C, H, W), dtype=w.dtype)
    for f in range(F):
        group = f // (F // groups)
        for i in range(H_out):
            for j in range(W_out):
                for ky in range(kh):
                    for kx in range(kw):
                        row, column = i * sh + ky * dh - top, j * sw + kx * dw - left
                        if 0 <= row < H and 0 <= column < W:
                            channels = slice(group * C_group, (group + 1) * C_group)
                            X[f, i, j, channels, row, column] = w[f, :, ky, kx]
    return X.reshape(F * H_out * W_out, C * H * W)
