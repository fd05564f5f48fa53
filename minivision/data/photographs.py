"""Random backgrounds and textures, cut from the photographs that scikit-image ships in its wheel."""

from functools import cache
from pathlib import Path

import numpy as np

from minivision.data.images import read_image

__all__ = ["PHOTOGRAPHS", "photographs", "random_crop_of"]

# Files of skimage/data in the wheel itself; most other pictures of `skimage.data` must be downloaded.
PHOTOGRAPHS = (
    "brick.png", "grass.png", "gravel.png", "coffee.png", "astronaut.png", "chelsea.png", "rocket.jpg",
    "coins.png", "ihc.png", "camera.png", "hubble_deep_field.jpg",
)  # fmt: skip


@cache
def photographs():
    """All photographs, read once: a tuple of ``(H, 3 * W)`` uint8 arrays, a row's colours side by side."""
    import skimage.data

    folder = Path(skimage.data.__file__).parent
    missing = [name for name in PHOTOGRAPHS if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(
            f"scenes need photographs that scikit-image ships, but {folder} has no {', '.join(missing)}; "
            "reinstall scikit-image (pip install --force-reinstall scikit-image)"
        )
    images = [read_image(folder / name) for name in PHOTOGRAPHS]
    return tuple(image.reshape(image.shape[0], -1) for image in images)


def random_crop_of(sides, size, rng, *, grey=False):
    """A random square of a random photograph in a random light, brought to one size.

    Parameters
    ----------
    sides : (int, int)
        Smallest side of the square, and one more than the largest, in pixels of the photograph.
    size : int
        Side of the result.
    rng : numpy.random.Generator
    grey : bool
        Whether to return the mean of the three colours instead of the colours.

    Returns
    -------
    (size, size, 3) or (size, size, 1) float32 array
        Around 0..255, not clipped.
    """
    from minivision.data import drawing

    photo = photographs()[rng.integers(len(PHOTOGRAPHS))]
    height, width = photo.shape[0], photo.shape[1] // 3
    side = min(int(rng.integers(*sides)), height, width)
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    mirror_x, mirror_y = rng.random() < 0.5, rng.random() < 0.5
    gain = rng.uniform(0.6, 1.3, 3) if rng.random() < 0.5 else np.ones(3)  # a colour tint, or none
    gain = gain * rng.uniform(0.5, 1.1)
    offset = np.float32(rng.uniform(-20, 40))
    mix = (gain[None] / 3 if grey else np.diag(gain)).astype(np.float32)
    out = np.empty((size, size, len(mix)), np.float32)
    drawing.resize_crop(photo, top, left, side, mix, mirror_x, mirror_y, out)
    out += offset
    return out
