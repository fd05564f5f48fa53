"""A fixed color for every class, distinguishable also with color vision deficiency."""

from __future__ import annotations

import colorsys

import numpy as np

from minivision.core.types import Array

# Okabe and Ito, Color universal design, 2008: seven colors that all kinds of vision tell apart, here in
# an order in which neighbors differ in brightness too. Their eighth, black, does not show on photographs.
OKABE_ITO = (
    (230, 159, 0),  # orange
    (86, 180, 233),  # sky blue
    (213, 94, 0),  # vermilion
    (240, 228, 66),  # yellow
    (0, 158, 115),  # bluish green
    (204, 121, 167),  # reddish purple
    (0, 114, 178),  # blue
)
COLORS = [tuple(part / 255 for part in color) for color in OKABE_ITO]  # the same, as matplotlib takes them
ORANGE, SKY_BLUE, VERMILION, YELLOW, GREEN, PURPLE, BLUE = COLORS
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
IGNORE_COLOR = (150, 150, 150)  # of pixels whose class is not known


def class_colors(num_classes: int) -> Array:
    """Return the colors of the classes; a class has the same one however many there are.

    The background is black; it is not drawn over images. Beyond seven classes hues are a golden angle apart,
    and brightness changes at each class.

    Parameters
    ----------
    num_classes : int
        The background included.

    Returns
    -------
    uint8 ndarray of shape (num_classes, 3)
        RGB.
    """
    colors: list[tuple[int, ...]] = [(0, 0, 0), *OKABE_ITO]
    for k in range(len(colors), num_classes):
        hue = 0.1 + k * 0.381966  # a golden angle: the next hue falls into the largest gap
        rgb = colorsys.hls_to_rgb(hue % 1, (0.45, 0.72, 0.58)[k % 3], (0.85, 0.7)[k % 2])
        colors.append(tuple(round(255 * part) for part in rgb))
    return np.array(colors[:num_classes], np.uint8)


def palette(num_classes: int) -> Array:
    """Return a (256, 3) uint8 palette for label maps saved as PNG: class colors, and gray for 255."""
    colors = np.zeros((256, 3), np.uint8)
    colors[:num_classes] = class_colors(num_classes)
    colors[255] = IGNORE_COLOR
    return colors


def pale(image: Array) -> Array:
    """Return an image ``(H, W, 3)`` in pale grays ``(H, W, 1)``, float32, 0 to 255: colors laid over it stand out."""
    gray = image.astype(np.float32) @ LUMINANCE
    return 0.85 * gray[..., None] + 0.15 * 160
