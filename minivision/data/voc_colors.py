"""Label maps in colors: VOC's palette, and the colors that ``labelmap.txt`` lists."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

from minivision.core.types import Array, Size
from minivision.data.images import BrokenFileError, read_image

__all__ = ["read_color_map", "voc_palette"]


def voc_palette() -> Array:
    """Return VOC's 256 colors: the bits of an index, three at a time, are the upper bits of red, green and blue.

    Returns
    -------
    colors : uint8 ndarray of shape (256, 3)

    Examples
    --------
    >>> from minivision.data.voc_colors import voc_palette
    >>> voc_palette()[[0, 1, 2, 255]].tolist()
    [[0, 0, 0], [128, 0, 0], [0, 128, 0], [224, 224, 192]]
    """
    index = np.arange(256)
    colors = np.zeros((256, 3), np.uint8)
    for place in range(8):
        for channel in range(3):
            colors[:, channel] |= ((index >> (3 * place + channel) & 1) << (7 - place)).astype(np.uint8)
    return colors


def read_color_map(
    path: str | os.PathLike, size: Size, values: Mapping[tuple[int, int, int], int] | None = None
) -> Array:
    """Read a PNG whose colors stand for classes or objects.

    Parameters
    ----------
    path : path
    size : (height, width)
        The size that it must have.
    values : mapping, optional
        Color -> value; by default the index in VOC's palette. Where red, green and blue are equal everywhere, and
        not all of these grays are listed, they are the values themselves.

    Returns
    -------
    index_map : uint8 ndarray of shape (H, W)

    Raises
    ------
    BrokenFileError
        If it has another size or a color that is not listed.
    """
    pixels = read_image(path, size)
    listed = {tuple(color): i for i, color in enumerate(voc_palette().tolist())} if values is None else dict(values)
    colors, inverse = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    known = [tuple(color) in listed for color in colors.tolist()]
    if not all(known) and (colors == colors[:, :1]).all():
        return pixels[..., 0]
    if not all(known):
        unknown = colors[known.index(False)].tolist()
        raise BrokenFileError(path, f"its color {tuple(unknown)} belongs to no class; list it in labelmap.txt")
    table = np.array([listed[tuple(color)] for color in colors.tolist()], np.uint8)
    return table[inverse.reshape(-1)].reshape(pixels.shape[:2])
