"""Convolution, its transpose, and the matrix that both are.

Layouts are PyTorch's: ``w`` of a convolution is ``(F, C / groups, kh, kw)``, of a transpose convolution
``(C, F / groups, kh, kw)``, where C counts the channels of ``x`` and F those of ``y``. As everywhere in this field,
"convolution" is the sliding dot product; the filter is not flipped.
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

# ---- what the doors check --------------------------------------------------------------------------------------


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
        raise ValueError(f"b: expected shape ({outputs},), one bias an output channel, got {b.shape}")


def _check_conv2d(x, w, b, stride, padding, dilation, groups):
    x, w, b = floats(x=x, w=w, b=b)
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
    x, w, b = floats(x=x, w=w, b=b)
    check_shape("x", x, "N, C, H, W")
    groups = _check_filters(w, groups)
    _check_channels(x, w.shape[0], w, groups)
    _check_bias(b, w.shape[1] * groups)
    stride, padding, dilation = _geometry(stride, padding, dilation)
    output_padding = pair("output_padding", output_padding, minimum=0)
    for extra, s, d in zip(output_padding, stride, dilation, strict=True):
        if extra >= max(s, d):
            raise ValueError(
                f"output_padding: must be smaller than the stride or the dilation ({max(s, d)}), got {extra}; "
                "it only chooses among the sizes that the forward convolution maps to the same one"
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


# ---- the textbook ----------------------------------------------------------------------------------------------


def pad(x: Array, padding: PaddingPairs) -> Array:
    """Return `x` (N, C, H, W) with rows and columns of zeros around each map."""
    N, C, H, W = x.shape
    (top, bottom), (left, right) = padding
    padded = np.zeros((N, C, top + H + bottom, left + W + right), dtype=x.dtype)
    padded[:, :, top : top + H, left : left + W] = x
    return padded


def window_slices(i: int, j: int, kernel_size: Size, stride: Size, dilation: Size) -> tuple[slice, slice]:
    """Return the rows and the columns that the window of output element (i, j) covers, as slices."""
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
    """Slide every filter over the input and take a dot product at each place.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The input maps.
    w : ndarray of shape (F, C / groups, kh, kw)
        The filters.
    b : ndarray of shape (F,), optional
        A bias for each filter.
    stride, dilation : int or pair of int
        Pixels from one window to the next; pixels from one tap of the filter to the next.
    padding : int, pair of int, or ((top, bottom), (left, right))
        Zeros around the input.
    groups : int
        Into how many independent groups the channels and the filters are divided.

    Returns
    -------
    y : ndarray of shape (N, F, H_out, W_out)
        ``H_out = floor((H + top + bottom - dilation * (kh - 1) - 1) / stride) + 1``, and W_out likewise.

    Raises
    ------
    ValueError
        If shapes do not fit one another or the window does not fit into the padded input.
    TypeError
        If `x` is not float32 or float64.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, relationships 6 and 14.
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
    """Send the gradient of :func:`conv2d` back: each output hands `dy` to its window and to its filter.

    Parameters
    ----------
    dy : ndarray of shape (N, F, H_out, W_out)
        The gradient of the loss for the output.
    x, w : ndarray
        As given to :func:`conv2d`.
    stride, padding, dilation, groups
        As given to :func:`conv2d`.

    Returns
    -------
    dx, dw, db : ndarray
        The gradients for x, w and b, in their shapes; ``db`` also where there was no bias.

    Raises
    ------
    ValueError
        If shapes do not fit one another.
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
    dx = dpadded[:, :, top : top + H, left : left + W].copy()  # what fell on the padding is dropped
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
    """Give the part of :func:`conv2d_backward` that a network's first layer needs: nobody asks for an image's gradient.

    Parameters
    ----------
    dy : ndarray of shape (N, F, H_out, W_out)
        The gradient of the loss for the output.
    x : ndarray of shape (N, C, H, W)
        As given to :func:`conv2d`.
    kernel_size : int or pair of int
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
        If shapes do not fit one another.
    """
    filters = np.zeros((dy.shape[1], x.shape[1] // groups, *kernel_size), dtype=x.dtype)  # what w was does not matter
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
    """Write a copy of the filter, weighted by each input value, into the output; where copies overlap, sum.

    It multiplies by the transpose of the matrix that :func:`conv2d` with the same `w` and `stride` multiplies by.
    Also called upconvolution, fractionally strided or backward strided convolution.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        The input maps.
    w : ndarray of shape (C, F / groups, kh, kw)
        The filters.
    b : ndarray of shape (F,), optional
        A bias for each output channel.
    stride, dilation : int or pair of int
        Output pixels from one copy to the next; output pixels from one tap of the filter to the next.
    padding : int, pair of int, or ((top, bottom), (left, right))
        Rows and columns cut off around the output.
    output_padding : int or pair of int
        Extra rows at the bottom and columns at the right; less than the stride or the dilation.
    groups : int
        Into how many independent groups the channels are divided.

    Returns
    -------
    y : ndarray of shape (N, F, H_out, W_out)
        ``H_out = (H - 1) * stride - top - bottom + dilation * (kh - 1) + output_padding + 1``, W_out likewise.

    Raises
    ------
    ValueError
        If shapes do not fit one another or nothing is left of the output.
    TypeError
        If `x` is not float32 or float64.

    References
    ----------
    Dumoulin and Visin, "A guide to convolution arithmetic for deep learning", 2016, relationship 14;
    Long, Shelhamer and Darrell, "Fully convolutional networks for semantic segmentation", CVPR 2015, section 3.3.
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
    """Send the gradient of :func:`conv_transpose2d` back: each input gathers `dy` under its copy of the filter.

    Parameters
    ----------
    dy : ndarray of shape (N, F, H_out, W_out)
        The gradient of the loss for the output.
    x, w : ndarray
        As given to :func:`conv_transpose2d`.
    stride, padding, output_padding, dilation, groups
        As given to :func:`conv_transpose2d`.

    Returns
    -------
    dx, dw, db : ndarray
        The gradients for x, w and b, in their shapes; ``db`` also where there was no bias.

    Raises
    ------
    ValueError
        If shapes do not fit one another.
    """
    N, C, H, W = x.shape
    _, F_group, kh, kw = w.shape
    dcanvas = pad(dy, padding)  # what was cut off had no influence on the loss
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
    """Write a convolution as the matrix that it multiplies by.

    With ``a = x[n].ravel()`` and no bias, ``conv2d(x, w)[n].ravel()`` is ``X @ a``; the transpose convolution of
    ``z``, ``conv_transpose2d(z, w)[n].ravel()``, is ``X.T @ z[n].ravel()``.

    Parameters
    ----------
    w : ndarray of shape (F, C / groups, kh, kw)
        The filters.
    input_size : (H, W)
        The size of the convolution's input maps.
    stride, padding, dilation, groups
        As in :func:`conv2d`.

    Returns
    -------
    X : ndarray of shape (F * H_out * W_out, C * H * W)
        Each row holds one filter, where it lies for one output element; zeros elsewhere.

    Raises
    ------
    ValueError
        If the window does not fit into the padded input.
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
