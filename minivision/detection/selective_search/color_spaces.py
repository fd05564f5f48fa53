"""The color spaces of selective search. They differ in the edges they show and the changes of light they ignore.

All channels are scaled to 0 .. 255.
"""

from __future__ import annotations

import numpy as np

from minivision.core.types import Array

# Linear light of sRGB (IEC 61966-2-1) for each of the 256 values of a channel.
_SRGB = np.arange(256) / 255
_LINEAR = np.where(_SRGB <= 0.04045, _SRGB / 12.92, ((_SRGB + 0.055) / 1.055) ** 2.4).astype(np.float32)
# From linear light to XYZ, divided by the XYZ of white (daylight, D65): white is 1, 1, 1.
_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
_XYZ = (_XYZ / [[0.95047], [1.0], [1.08883]]).astype(np.float32)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


def to_color_space(image: Array, name: str) -> Array:
    """Convert an RGB image to another color space.

    Parameters
    ----------
    image : uint8 ndarray of shape (H, W, 3)
        RGB.
    name : str
        ``"HSV"``, ``"Lab"`` (CIE L*a*b*), ``"rgI"`` (red and green divided by the sum of the channels, and intensity),
        ``"H"`` (hue) or ``"I"`` (intensity).

    Returns
    -------
    converted : float32 ndarray of shape (H, W, C)
        0 .. 255; in the channels a and b, gray is 128.

    Raises
    ------
    ValueError
        If there is no such color space.
    """
    if name not in COLOR_SPACES:
        raise ValueError(f"there is no color space {name!r}; there are {', '.join(COLOR_SPACES)}")
    return np.ascontiguousarray(COLOR_SPACES[name](image))


def _hsv(image):
    image = image.astype(np.float32)
    r, g, b = np.moveaxis(image, 2, 0)
    value = np.maximum(np.maximum(r, g), b)
    spread = value - np.minimum(np.minimum(r, g), b)
    divisor = np.maximum(spread, 1)  # gray has no hue; here it is that of red
    hue = np.where(value == r, (g - b) / divisor, np.where(value == g, 2 + (b - r) / divisor, 4 + (r - g) / divisor))
    hue = np.where(hue < 0, hue + 6, hue)  # sixths of the circle
    return np.stack([255 / 6 * hue, 255 * spread / np.maximum(value, 1), value], axis=2)


def _lab(image):
    xyz = _LINEAR[image] @ _XYZ.T
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + np.float32(16 / 116))
    x, y, z = np.moveaxis(f, 2, 0)
    return np.stack([255 / 100 * (116 * y - 16), 128 + 500 * (x - y), 128 + 200 * (y - z)], axis=2)


def _rgi(image):
    image = image.astype(np.float32)
    total = np.maximum(image.sum(axis=2, keepdims=True), 1)
    return np.concatenate([255 * image[..., :2] / total, _intensity(image)], axis=2)


def _hue(image):
    return _hsv(image)[..., :1]


def _intensity(image):
    return (image.astype(np.float32) @ _LUMA)[..., None]


COLOR_SPACES = {"HSV": _hsv, "Lab": _lab, "rgI": _rgi, "H": _hue, "I": _intensity}
