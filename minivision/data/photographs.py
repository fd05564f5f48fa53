"""Random backgrounds and textures, cut from the photographs that scikit-image ships in its wheel."""

from __future__ import annotations

from functools import cache

import numpy as np

from minivision.core.types import Array

__all__ = ["PHOTOGRAPHS", "photographs", "random_crop_of"]

# Functions of skimage.data whose pictures are in the wheel itself; most others must be downloaded.
PHOTOGRAPHS = (
    "brick", "grass", "gravel", "coffee", "astronaut", "chelsea", "rocket", "coins", "immunohistochemistry", "camera",
    "hubble_deep_field",
)  # fmt: skip


@cache
def photographs() -> tuple[Array, ...]:
    """Return all photographs, read once: uint8 arrays ``(H, 3 * W)``, the three colors of a pixel in a row."""
    return tuple(image.reshape(len(image), -1) for image in map(_rgb, PHOTOGRAPHS))


def _rgb(name):
    """Return a photograph as a uint8 array ``(H, W, 3)``."""
    import skimage.data

    try:
        image = getattr(skimage.data, name)()
    except Exception as error:  # such as pooch's, for a download
        raise FileNotFoundError(
            f"scenes need photographs that scikit-image ships, and its version {skimage.__version__} here has no "
            f"{name!r} ({error}); reinstall scikit-image (pip install --force-reinstall scikit-image)"
        ) from error
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def random_crop_of(sides: tuple[int, int], size: int, rng: np.random.Generator, *, gray: bool = False) -> Array:
    """Return a random square of a random photograph with random brightness and tint, resized.

    Parameters
    ----------
    sides : (int, int)
        Smallest side of the square, and the largest plus one, in pixels of the photograph.
    size : int
        Side of the result.
    rng : numpy.random.Generator
    gray : bool
        Whether to return the mean of the three colors instead of the colors.

    Returns
    -------
    crop : float32 ndarray of shape (size, size, 3) or (size, size, 1)
        About 0..255, not clipped.
    """
    from minivision.data import drawing

    photo = photographs()[rng.integers(len(PHOTOGRAPHS))]
    height, width = photo.shape[0], photo.shape[1] // 3
    side = min(int(rng.integers(*sides)), height, width)
    top, left = int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    mirror_x, mirror_y = rng.random() < 0.5, rng.random() < 0.5
    gain = rng.uniform(0.6, 1.3, 3) if rng.random() < 0.5 else np.ones(3)  # a color tint, or none
    gain = gain * rng.uniform(0.5, 1.1)
    offset = np.float32(rng.uniform(-20, 40))
    mix = (gain[None] / 3 if gray else np.diag(gain)).astype(np.float32)
    out = np.empty((size, size, len(mix)), np.float32)
    drawing.resize_crop(photo, top, left, side, mix, mirror_x, mirror_y, out)
    out += offset
    return out
