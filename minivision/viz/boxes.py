"""A box upon an image: what all pictures of boxes are made of."""

import numpy as np

from minivision.viz.colors import pale


def draw_box(axis, box, color, linewidth, *, style="-", alpha=1.0):
    """Draw the outline of a box ``(x1, y1, x2, y2)`` into a matplotlib axis."""
    from matplotlib.patches import Rectangle

    x1, y1, x2, y2 = (float(value) for value in box)
    options = {"edgecolor": color, "linewidth": linewidth, "linestyle": style, "alpha": alpha}
    axis.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, **options))


def show_image(axis, image, *, margin=0.0, faded=True):
    """Show an image ``(H, W, 3)`` so that axis coordinates are its pixels.

    Parameters
    ----------
    axis : matplotlib Axes
    image : (H, W, 3) array
    margin : float
        Room on each side, in widths and heights of the image, for boxes that reach out.
    faded : bool
        Whether in pale greys, so that what is drawn upon it stands out.
    """
    height, width = image.shape[:2]
    picture = np.repeat(pale(image) / 255, 3, axis=2) if faded else image
    axis.imshow(picture, interpolation="nearest", extent=(0, width, height, 0))
    axis.set(xlim=(-margin * width, (1 + margin) * width), ylim=((1 + margin) * height, -margin * height))


def cell_size(image, side):
    """Return width and height in inches of a picture of an image whose longer side has `side` inches."""
    height, width = image.shape[:2]
    return side * width / max(height, width), side * height / max(height, width)
