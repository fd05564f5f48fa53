"""Upsampling by fixed rules: bed of nails, nearest neighbour, bilinear.

Upsampling that remembers is :func:`minivision.ops.pooling.max_unpool2d`, and upsampling that learns is
:func:`minivision.ops.convolution.conv_transpose2d`.
"""

import numpy as np

from minivision.core.arguments import check_shape, floats, pair
from minivision.core.dispatch import operation


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
def bed_of_nails(x, scale=2):
    """Put each pixel in the upper left corner of its block of zeros.

    Parameters
    ----------
    x : (N, C, H, W) array
        Feature maps.
    scale : int or pair of int
        Height and width of the block that a pixel becomes.

    Returns
    -------
    y : (N, C, scale * H, scale * W) array
        ``y[:, :, i * scale, j * scale] = x[:, :, i, j]``, zero elsewhere.
    """
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.zeros((N, C, H * sh, W * sw), x.dtype)
    for i, j in np.ndindex(H, W):
        y[:, :, i * sh, j * sw] = x[:, :, i, j]
    return y


@operation(check=_check_gradient, returns=("dx",))
def bed_of_nails_backward(dy, scale=2):
    """Keep the gradient at the nails: what the zeros would like to be does not matter.

    Parameters
    ----------
    dy : (N, C, scale * H, scale * W) array
        Upstream gradient.
    scale : int or pair of int
        As :func:`bed_of_nails` was given.

    Returns
    -------
    dx : (N, C, H, W) array
        Gradient of the input.

    Raises
    ------
    ValueError
        When the size of `dy` is no multiple of `scale`.
    """
    sh, sw = scale
    N, C, H, W = dy.shape
    dx = np.empty((N, C, H // sh, W // sw), dy.dtype)
    for i, j in np.ndindex(H // sh, W // sw):
        dx[:, :, i, j] = dy[:, :, i * sh, j * sw]
    return dx


@operation(check=_check_map)
def upsample_nearest(x, scale=2):
    """Repeat each pixel over its whole block.

    Parameters
    ----------
    x : (N, C, H, W) array
        Feature maps.
    scale : int or pair of int
        Height and width of the block that a pixel becomes.

    Returns
    -------
    y : (N, C, scale * H, scale * W) array
        ``y[:, :, i, j] = x[:, :, i // scale, j // scale]``.
    """
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.empty((N, C, H * sh, W * sw), x.dtype)
    for i, j in np.ndindex(H * sh, W * sw):
        y[:, :, i, j] = x[:, :, i // sh, j // sw]
    return y


@operation(check=_check_gradient, returns=("dx",))
def upsample_nearest_backward(dy, scale=2):
    """Add up the gradients of each pixel's block.

    Parameters
    ----------
    dy : (N, C, scale * H, scale * W) array
        Upstream gradient.
    scale : int or pair of int
        As :func:`upsample_nearest` was given.

    Returns
    -------
    dx : (N, C, H, W) array
        Gradient of the input.

    Raises
    ------
    ValueError
        When the size of `dy` is no multiple of `scale`.
    """
    sh, sw = scale
    N, C, H, W = dy.shape
    dx = np.zeros((N, C, H // sh, W // sw), dy.dtype)
    for i, j in np.ndindex(H, W):
        dx[:, :, i // sh, j // sw] += dy[:, :, i, j]
    return dx


def _neighbours(i, scale, size):
    """Return the two input pixels beside output pixel `i`, and how much the second of them counts.

    A pixel's centre is half a pixel from its corner, in the input as in the output: output pixel ``i`` lies
    at ``(i + 0.5) / scale - 0.5`` of the input. Beyond the outermost centres the map goes on as it ends.
    """
    position = max((i + 0.5) / scale - 0.5, 0.0)
    lower = int(position)
    return lower, min(lower + 1, size - 1), position - lower


@operation(check=_check_map)
def upsample_bilinear(x, scale=2):
    """Blend the four nearest pixels by their distance.

    Pixel centres lie at half a pixel, as in PyTorch's ``interpolate(mode="bilinear", align_corners=False)``.

    Parameters
    ----------
    x : (N, C, H, W) array
        Feature maps.
    scale : int or pair of int
        How many times as high and as wide the result is.

    Returns
    -------
    y : (N, C, scale * H, scale * W) array
        The enlarged maps.
    """
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.empty((N, C, H * sh, W * sw), x.dtype)
    for i, j in np.ndindex(H * sh, W * sw):
        above, below, down = _neighbours(i, sh, H)
        left, right, across = _neighbours(j, sw, W)
        upper = x[:, :, above, left] * (1 - across) + x[:, :, above, right] * across
        lower = x[:, :, below, left] * (1 - across) + x[:, :, below, right] * across
        y[:, :, i, j] = upper * (1 - down) + lower * down
    return y


@operation(check=_check_gradient, returns=("dx",))
def upsample_bilinear_backward(dy, scale=2):
    """Share the gradient of each output pixel among the four pixels it was blended from.

    Parameters
    ----------
    dy : (N, C, scale * H, scale * W) array
        Upstream gradient.
    scale : int or pair of int
        As :func:`upsample_bilinear` was given.

    Returns
    -------
    dx : (N, C, H, W) array
        Gradient of the input.

    Raises
    ------
    ValueError
        When the size of `dy` is no multiple of `scale`.
    """
    sh, sw = scale
    N, C, H, W = dy.shape[0], dy.shape[1], dy.shape[2] // sh, dy.shape[3] // sw
    dx = np.zeros((N, C, H, W), dy.dtype)
    for i, j in np.ndindex(H * sh, W * sw):
        above, below, down = _neighbours(i, sh, H)
        left, right, across = _neighbours(j, sw, W)
        dx[:, :, above, left] += dy[:, :, i, j] * ((1 - down) * (1 - across))
        dx[:, :, above, right] += dy[:, :, i, j] * ((1 - down) * across)
        dx[:, :, below, left] += dy[:, :, i, j] * (down * (1 - across))
        dx[:, :, below, right] += dy[:, :, i, j] * (down * across)
    return dx
