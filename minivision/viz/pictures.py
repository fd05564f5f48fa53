"""Pictures side by side under their titles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from minivision.core.types import Array
from minivision.viz.grid import SMALLEST
from minivision.viz.words import listed

if TYPE_CHECKING:
    from minivision.viz.figure import Figure

CELL = 2.6  # inches
TALL = 2  # widths that a picture is high at most; a taller one is drawn narrower


def draw_pictures(
    pictures: dict[str, Array],
    *,
    columns: int | None = None,
    limits: tuple[float, float] | str | None = None,
    cmap: str = "gray",
) -> Figure:
    """Draw images or feature maps in rows, each under its title.

    Parameters
    ----------
    pictures : dict of str to array
        By title: ``(H, W)``, or ``(H, W, 3)`` with uint8 or 0 to 1. Leading axes of size 1 are left out.
    columns : int, optional
        How many stand in a row; by default all, up to four.
    limits : (float, float) or "symmetric", optional
        The values drawn in the first and in the last color of `cmap`: of all pictures together, or for each
        picture so that 0 is in the middle. By default the least and the largest value of each picture.
    cmap : str
        Colors for pictures of one channel.

    Returns
    -------
    matplotlib Figure

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import Scenes
    >>> from minivision.viz import draw_pictures
    >>> image = Scenes("easy", "val")[0].image
    >>> gray = image.mean(axis=2)
    >>> figure = draw_pictures({"image": image, "brightness": gray, "its slope": np.diff(gray)})
    >>> figure.alt
    '3 pictures: image, brightness, its slope'
    """
    from minivision.viz.figure import Figure

    if not pictures:
        raise ValueError("pictures: there is nothing to draw")
    shown = {title: _image(title, picture) for title, picture in pictures.items()}
    columns = min(len(shown), 4) if columns is None else columns
    rows = math.ceil(len(shown) / columns)
    tallest = max(picture.shape[0] / picture.shape[1] for picture in shown.values())
    size = (CELL * columns, (max(CELL * min(tallest, TALL), SMALLEST[1]) + 0.3) * rows)
    figure = Figure(figsize=size, dpi=110, facecolor="white", layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, (title, picture) in zip(axes, shown.items(), strict=False):
        low, high = _limits(picture, limits)
        axis.imshow(picture, cmap=cmap, vmin=low, vmax=high, interpolation="nearest")
        axis.set_title(title, fontsize=10.5, color="0.15")
    figure.alt = f"{len(shown)} pictures: {listed(shown)}" if len(shown) > 1 else f"A picture: {listed(shown)}"
    return figure


def _image(title, picture):
    picture = np.asarray(picture)
    while picture.ndim > 2 and picture.shape[0] == 1:
        picture = picture[0]
    if picture.ndim == 2 or picture.ndim == 3 and picture.shape[2] == 3:
        return picture
    raise ValueError(f"{title!r}: expected a picture (H, W) or (H, W, 3), got shape {picture.shape}")


def _limits(picture, limits):
    if limits == "symmetric":
        largest = np.abs(picture).max() or 1
        return -largest, largest
    return (None, None) if limits is None else limits
