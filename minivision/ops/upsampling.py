"""Upsampling by fixed rules: bed of nails, nearest neighbor, bilinear.

Max unpooling is :func:`minivision.ops.pooling.max_unpool2d`, upsampling with learned filters
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
    """Bed of nails upsampling: each pixel becomes the upper left corner of a block of zeros.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    scale : int or (int, int)
        Height and width of the blocks.

    Returns
    -------
    y : ndarray of shape (N, C, scale * H, scale * W)
        ``y[:, :, i * scale, j * scale] = x[:, :, i, j]``, zero elsewhere.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.bed_of_nails(np.array([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 0.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]]]
    """
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.zeros((N, C, H * sh, W * sw), x.dtype)
    for i, j in np.ndindex(H, W):
        y[:, :, i * sh, j * sw] = x[:, :, i, j]
    return y


@operation(check=_check_gradient, returns=("dx",))
def bed_of_nails_backward(dy: Array, scale: IntOrPair = 2) -> Array:
    """Gradient of :func:`bed_of_nails`: `dy` at the upper left corner of each block.

    Parameters
    ----------
    dy : ndarray of shape (N, C, scale * H, scale * W)
        Upstream gradient.
    scale : int or (int, int)
        As given to :func:`bed_of_nails`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input.

    Raises
    ------
    ValueError
        If the size of `dy` is no multiple of `scale`.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.bed_of_nails_backward(np.arange(8.0).reshape(1, 1, 2, 4)).tolist()
    [[[[0.0, 2.0]]]]
    """
    sh, sw = scale
    N, C, H, W = dy.shape
    dx = np.empty((N, C, H // sh, W // sw), dy.dtype)
    for i, j in np.ndindex(H // sh, W // sw):
        dx[:, :, i, j] = dy[:, :, i * sh, j * sw]
    return dx


@operation(check=_check_map)
def upsample_nearest(x: Array, scale: IntOrPair = 2) -> Array:
    """Nearest neighbor upsampling: each pixel is repeated over a block.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    scale : int or (int, int)
        Height and width of the blocks.

    Returns
    -------
    y : ndarray of shape (N, C, scale * H, scale * W)
        ``y[:, :, i, j] = x[:, :, i // scale, j // scale]``.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.upsample_nearest(np.array([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """
    sh, sw = scale
    N, C, H, W = x.shape
    y = np.empty((N, C, H * sh, W * sw), x.dtype)
    for i, j in np.ndindex(H * sh, W * sw):
        y[:, :, i, j] = x[:, :, i // sh, j // sw]
    return y


@operation(check=_check_gradient, returns=("dx",))
def upsample_nearest_backward(dy: Array, scale: IntOrPair = 2) -> Array:
    """Gradient of :func:`upsample_nearest`: the sum of `dy` over each block.

    Parameters
    ----------
    dy : ndarray of shape (N, C, scale * H, scale * W)
        Upstream gradient.
    scale : int or (int, int)
        As given to :func:`upsample_nearest`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input.

    Raises
    ------
    ValueError
        If the size of `dy` is no multiple of `scale`.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.upsample_nearest_backward(np.arange(8.0).reshape(1, 1, 2, 4)).tolist()
    [[[[10.0, 18.0]]]]
    """
    sh, sw = scale
    N, C, H, W = dy.shape
    dx = np.zeros((N, C, H // sh, W // sw), dy.dtype)
    for i, j in np.ndindex(H, W):
        dx[:, :, i // sh, j // sw] += dy[:, :, i, j]
    return dx


def _neighbors(i, scale, size):
    """Return the two input pixels next to output pixel `i`, and the weight of the second one.

    Pixel centers lie at half a pixel, in the input as in the output: output pixel ``i`` lies at
    ``(i + 0.5) / scale - 0.5`` of the input. Beyond the outermost centers, the outermost pixels are repeated.
    """
    position = max((i + 0.5) / scale - 0.5, 0.0)
    lower = int(position)
    return lower, min(lower + 1, size - 1), position - lower


@operation(check=_check_map)
def upsample_bilinear(x: Array, scale: IntOrPair = 2) -> Array:
    """Bilinear upsampling: each output pixel is interpolated from the four nearest input pixels.

    Pixel centers lie at half a pixel, as in PyTorch's ``interpolate(mode="bilinear", align_corners=False)``.

    Parameters
    ----------
    x : ndarray of shape (N, C, H, W)
        Feature maps.
    scale : int or (int, int)
        Factors of height and width.

    Returns
    -------
    y : ndarray of shape (N, C, scale * H, scale * W)
        The enlarged maps.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.upsample_bilinear(np.array([[[[0.0, 4.0]]]]), (1, 2)).tolist()
    [[[[0.0, 1.0, 3.0, 4.0]]]]
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
    """Gradient of :func:`upsample_bilinear`: each value of `dy` is distributed over four pixels.

    Parameters
    ----------
    dy : ndarray of shape (N, C, scale * H, scale * W)
        Upstream gradient.
    scale : int or (int, int)
        As given to :func:`upsample_bilinear`.

    Returns
    -------
    dx : ndarray of shape (N, C, H, W)
        Gradient of the input.

    Raises
    ------
    ValueError
        If the size of `dy` is no multiple of `scale`.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision import ops
    >>> ops.upsample_bilinear_backward(np.array([[[[0.0, 4.0, 0.0, 0.0]]]]), (1, 2)).tolist()
    [[[[3.0, 1.0]]]]
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
