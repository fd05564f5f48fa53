"""Draw a box over an image: the parts of all pictures of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.types import Array
from minivision.viz.colors import pale

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_box(
    axis: Axes, box: Sequence[float] | Array, color: Any, linewidth: float, *, style: str = "-", alpha: float = 1.0
) -> None:
    """Draw the outline of a box ``(x1, y1, x2, y2)`` into a matplotlib axis."""
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = (float(value) for value in box)
    options = {"edgecolor": color, "linewidth": linewidth, "linestyle": style, "alpha": alpha}
    axis.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, **options))


def show_image(axis: Axes, image: Array, *, margin: float = 0.0, faded: bool = True) -> None:
    """Show an image ``(H, W, 3)`` so that axis coordinates are its pixels.

    Parameters
    ----------
    axis : matplotlib Axes
    image : ndarray of shape (H, W, 3)
    margin : float
        Room on each side, in widths and heights of the image, for boxes that reach out.
    faded : bool
        Whether in pale grays, so that what is drawn upon it stands out.
    """
    height, width = image.shape[:2]
    picture = np.repeat(pale(image) / 255, 3, axis=2) if faded else image
    axis.imshow(picture, interpolation="nearest", extent=(0, width, height, 0))
    axis.set(xlim=(-margin * width, (1 + margin) * width), ylim=((1 + margin) * height, -margin * height))


def cell_size(image: Array, side: float) -> tuple[float, float]:
    """Return width and height in inches of a picture of an image whose longer side has `side` inches."""
    height, width = image.shape[:2]
    return side * width / max(height, width), side * height / max(height, width)
