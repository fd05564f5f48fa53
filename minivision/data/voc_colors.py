"""Label maps in colors: VOC's palette, and the colors that ``labelmap.txt`` lists."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

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
    path: str | os.PathLike,
    size: Size,
    values: Mapping[tuple[int, int, int], int] | None = None,
    *,
    numbers: Sequence[int] | None = None,
    table: str = "labelmap.txt",
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
    numbers : sequence of int, optional
        What grays stand for that are not listed: gray 0 for the first number, gray 1 for the second, and so on.
    table : str
        The file that lists the colors, for the message.

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
    codes = _codes(pixels)
    known = np.array(sorted(_codes(np.array(list(listed), np.uint8)).tolist()), np.uint32)
    places = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    unknown = known[places] != codes
    if not unknown.any():
        labels = {int(_codes(np.array(color, np.uint8))): label for color, label in listed.items()}
        return np.array([labels[code] for code in known.tolist()], np.uint8)[places]
    grays = pixels[..., 0]
    if (pixels == pixels[..., :1]).all() and (numbers is None or grays.max() < len(numbers)):
        return grays if numbers is None else np.array(numbers, np.uint8)[grays]
    first = tuple(pixels[unknown][0].tolist())
    raise BrokenFileError(
        path,
        f"its color {first} belongs to no class; list it in {table}. Pixels of colors that are not listed: "
        f"{np.count_nonzero(unknown)}; are they mixed by a lossy format, or by changing the size?",
    )


def _codes(colors):
    """Return colors ``(..., 3)`` as one number each, which sorts and compares fast."""
    red, green, blue = np.moveaxis(colors.astype(np.uint32), -1, 0)
    return red << 16 | green << 8 | blue
