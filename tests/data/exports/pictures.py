"""Tiny pictures and masks that the scripts here give to annotation tools; nothing of them is anybody's data."""

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 40, 24


def picture(number):
    """Return the RGB pixels of a picture, ``(24, 40, 3)``: a color for each number, with a lighter rectangle."""
    pixels = np.full((HEIGHT, WIDTH, 3), (30 + 40 * number, 60, 90), np.uint8)
    pixels[6:18, 10:30] = (200, 180, 40 * number)
    return pixels


def save_picture(path, number):
    """Write a picture as a PNG or JPEG file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(number)).save(path)


def stairs():
    """Return a mask ``(24, 40)`` that is no rectangle and not symmetric: two rows each of 3, 6, 9 pixels at (5, 4)."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    for step in range(3):
        mask[4 + 2 * step : 6 + 2 * step, 5 : 8 + 3 * step] = True
    return mask
