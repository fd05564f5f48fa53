"""Upsampling by fixed rules: bed of nails, nearest neighbor, bilinear.

Upsampling that remembers is :func:`minivision.ops.pooling.max_unpool2d`, and upsampling that learns is
:func:`minivision.ops.convolution.conv_transpose2d`.
"""

from __future__ import annotations

import numpy as np

from minivision.core.arguments import check_shape, floats, pair
from minivision.core.dispatch import operation
from minivision.core.types import Array, IntOrPair


def _check_map(x, scale):
    (x,) = floats(x=x)
    check_shape("x", x, "N, C, H, W")
    return x, pair("scale", scale)


def _check_gradient(dy, scale):
    (dy,) = floats(dy=dy)
    check_shape("dy", dy, "N, C, H, W")
    scale = pair("scale", scale)
    for axis, n, s in zip(("height", "width"), dy.shape[2:], scale, strict=True):
        if n % s:
            raise ValueError(
                f"dy: its {axis} {n} is no multiple of the scale {s}, "
                f"so it is not the gradient of an upsampled map; check scale"
            )
    return dy, scale


@operation(check=_check_map)
def bed_of_nails(x: Array, scale: IntOrPair = 2) -> Array:
    """Put each pixel in the upper left corner of its block of zeros.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    scale : int or pair of int
        Height and width of the block that a pixel becomes.

    Returns
    -------
    y : ndarray of shape (N, C, scale * H, scale * W)
        ``y[:, :, i * scale, j * scale] = x[:, :, i, j]``, zero elsewhere.
    """
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.zeros((N, C, H * sh, W * sw), x.dtype)
    for i, j in np.ndindex(H, W):
        y[:, :, i * sh, j * sw] = x[:, :, i, j]
    return y


@operation(check=_check_gradient, returns=("dx",))
def bed_of_nails_backward(dy: Array, scale: IntOrPair = 2) -> Array:
    """Keep the gradient at the nails: what the zeros would like to be does not matter.

    Parameters
    ----------
    dy : ndarray of shape (N, C, scale * H, scale * W)
        Upstream gradient.
    scale : int or pair of int
        As given to :func:`bed_of_nails`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input.

    Raises
    ------
    ValueError
        If the size of `dy` is no multiple of `scale`.
    """
    sh, sw = scale
    N, C, H, W = dy.shape
    dx = np.empty((N, C, H // sh, W // sw), dy.dtype)
    for i, j in np.ndindex(H // sh, W // sw):
        dx[:, :, i, j] = dy[:, :, i * sh, j * sw]
    return dx


@operation(check=_check_map)
def upsample_nearest(x: Array, scale: IntOrPair = 2) -> Array:
    """Repeat each pixel over its whole block.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    scale : int or pair of int
        Height and width of the block that a pixel becomes.

    Returns
    -------
    y : ndarray of shape (N, C, scale * H, scale * W)
        ``y[:, :, i, j] = x[:, :, i // scale, j // scale]``.
    """
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.empty((N, C, H * sh, W * sw), x.dtype)
    for i, j in np.ndindex(H * sh, W * sw):
        y[:, :, i, j] = x[:, :, i // sh, j // sw]
    return y


@operation(check=_check_gradient, returns=("dx",))
def upsample_nearest_backward(dy: Array, scale: IntOrPair = 2) -> Array:
    """Add up the gradients of each pixel's block.

    Parameters
    ----------
    dy : ndarray of shape (N, C, scale * H, scale * W)
        Upstream gradient.
    scale : int or pair of int
        As given to :func:`upsample_nearest`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input.

    Raises
    ------
    ValueError
        If the size of `dy` is no multiple of `scale`.
    """
    sh, sw = scale
    N, C, H, W = dy.shape
    dx = np.zeros((N, C, H // sh, W // sw), dy.dtype)
    for i, j in np.ndindex(H, W):
        dx[:, :, i // sh, j // sw] += dy[:, :, i, j]
    return dx


def _neighbors(i, scale, size):
    """Return the two input pixels beside output pixel `i`, and how much the second of them counts.

    A pixel's center is half a pixel from its corner, in the input as in the output: output pixel ``i`` lies
    at ``(i + 0.5) / scale - 0.5`` of the input. Beyond the outermost centers the map goes on as it ends.
    """
    position = max((i + 0.5) / scale - 0.5, 0.0)
    lower = int(position)
    return lower, min(lower + 1, size - 1), position - lower


@operation(check=_check_map)
def upsample_bilinear(x: Array, scale: IntOrPair = 2) -> Array:
    """Blend the four nearest pixels by their distance.

    Pixel centers lie at half a pixel, as in PyTorch's ``interpolate(mode="bilinear", align_corners=False)``.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    scale : int or pair of int
        How many times as high and as wide the result is.

    Returns
    -------
    y : ndarray of shape (N, C, scale * H, scale * W)
        The enlarged maps.
    """
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.empty((N, C, H * sh, W * sw), x.dtype)
    for i, j in np.ndindex(H * sh, W * sw):
        above, below, down = _neighbors(i, sh, H)
        left, right, across = _neighbors(j, sw, W)
        upper = x[:, :, above, left] * (1 - across) + x[:, :, above, right] * across
        lower = x[:, :, below, left] * (1 - across) + x[:, :, below, right] * across
        y[:, :, i, j] = upper * (1 - down) + lower * down
    return y


@operation(check=_check_gradient, returns=("dx",))
def upsample_bilinear_backward(dy: Array, scale: IntOrPair = 2) -> Array:
    """Share the gradient of each output pixel among the four pixels it was blended from.

    Parameters
    ----------
    dy : ndarray of shape (N, C, scale * H, scale * W)
        Upstream gradient.
    scale : int or pair of int
        As given to :func:`upsample_bilinear`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input.

    Raises
    ------
    ValueError
        If the size of `dy` is no multiple of `scale`.
    """
    sh, sw = scale
    N, C, H, W = dy.shape[0], dy.shape[1], dy.shape[2] // sh, dy.shape[3] // sw
    dx = np.zeros((N, C, H, W), dy.dtype)
    for i, j in np.ndindex(H * sh, W * sw):
        above, below, down = _neighbors(i, sh, H)
        left, right, across = _neighbors(j, sw, W)
        dx[:, :, above, left] += dy[:, :, i, j] * ((1 - down) * (1 - across))
        dx[:, :, above, right] += dy[:, :, i, j] * ((1 - down) * across)
        dx[:, :, below, left] += dy[:, :, i, j] * (down * (1 - across))
        dx[:, :, below, right] += dy[:, :, i, j] * (down * across)
    return dx
