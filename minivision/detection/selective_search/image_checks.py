"""Checks of what is given to selective search and its parts."""

import numbers

import numpy as np

MOST_PIXELS_A_SIDE = 65535  # a box is four numbers of 16 bits
MOST_PIXELS = 1 << 29  # four edges of each are counted with 32 bits


def check_image(image):
    """Return an image as ``(H, W, C)`` floats: float64 stays, all else becomes float32.

    Raises
    ------
    TypeError, ValueError
        Where it is no image, is empty, or has numbers that are not finite.
    """
    image = np.asarray(image)
    if image.dtype.kind not in "uif":
        raise TypeError(f"image: expected numbers from 0 to 255, got {image.dtype}")
    image = image[..., None] if image.ndim == 2 else image
    if image.ndim != 3:
        raise ValueError(f"image: expected one image (H, W, C), got shape {image.shape}")
    _check_extent(image)
    image = np.ascontiguousarray(image, np.float64 if image.dtype == np.float64 else np.float32)
    if not np.isfinite(image).all():
        raise ValueError("image: it has values that are not finite (NaN or infinity)")
    return image


def check_rgb(image):
    """Raise TypeError or ValueError unless `image` is an ``(H, W, 3)`` uint8 array with pixels."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        found = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(
            f"image: expected a uint8 array, 0 to 255, got {found}; convert it, as (255 * x).astype('uint8')"
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image: expected RGB of shape (H, W, 3), got {image.shape}")
    _check_extent(image)


def _check_extent(image):
    if image.size == 0:
        raise ValueError(f"image: it has no pixels, its shape is {image.shape}")
    if max(image.shape[:2]) > MOST_PIXELS_A_SIDE or image.shape[0] * image.shape[1] > MOST_PIXELS:
        raise ValueError(f"image: {image.shape[0]} x {image.shape[1]} pixels are too many; make it smaller first")


def check_positive(name, value):
    if not isinstance(value, numbers.Real) or not 0 < value < float("inf"):
        raise ValueError(f"{name}: expected a number greater than 0, got {value!r}")
