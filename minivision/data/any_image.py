"""Images as people have them, for `Model.predict`: arrays, files and Pillow's images become RGB arrays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from minivision.core.types import Array
from minivision.data.images import read_image, rgb_of

__all__ = ["as_rgb", "as_rgb_list"]


def as_rgb(image: Any, name: str = "image") -> Array:
    """Return an image as a uint8 array ``(H, W, 3)``.

    Parameters
    ----------
    image : ndarray, path or PIL.Image.Image
        A uint8 array: RGB ``(H, W, 3)``, with transparency ``(H, W, 4)``, or gray ``(H, W)`` or ``(H, W, 1)``; the path
        of an image file, see `read_image`; or an image of Pillow.
    name : str
        For messages.

    Returns
    -------
    rgb : uint8 ndarray of shape (H, W, 3)
        The array itself, if it is one already.

    Raises
    ------
    TypeError, ValueError
        If it is none of these; other numbers and orders of the axes are refused, since they would be misread.
    BrokenFileError
        If a file cannot be read.

    Examples
    --------
    >>> import numpy as np
    >>> from minivision.data import as_rgb
    >>> as_rgb(np.full((4, 5), 7, np.uint8)).shape
    (4, 5, 3)
    """
    if isinstance(image, str | os.PathLike):
        return read_image(image)
    if isinstance(image, np.ma.MaskedArray):
        raise TypeError(
            f"{name}: expected an image without a mask, got a masked array; fill it first: {name}.filled(0)"
        )
    if hasattr(image, "getbands"):  # Pillow's, without importing it
        return rgb_of(image, name)
    if not isinstance(image, np.ndarray):
        raise TypeError(f"{name}: expected a uint8 array, a path or an image of Pillow, got {type(image).__name__}")
    image = np.asarray(image)
    if image.dtype != np.uint8:
        hint = f"(255 * {name}).round().astype('uint8') if its values are 0 to 1"
        if image.dtype.kind in "iu":
            hint = f"{name}.clip(0, 255).astype('uint8')"
        raise TypeError(
            f"{name}: expected a uint8 array of values from 0 to 255, got {image.dtype}; convert it: {hint}"
        )
    if image.ndim == 2:
        image = image[..., None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4):
        hint = ""
        if image.ndim == 3 and image.shape[0] in (1, 3, 4):
            hint = f"; its channels seem to be first: {name}.transpose(1, 2, 0)"
        raise ValueError(f"{name}: expected shape (H, W, 3), (H, W, 4), (H, W, 1) or (H, W), got {image.shape}{hint}")
    if image.size == 0:
        raise ValueError(f"{name}: it has no pixels, its shape is {image.shape}")
    if image.shape[2] == 1:
        return np.repeat(image, 3, axis=2)
    if image.shape[2] == 4:
        from PIL import Image

        return rgb_of(Image.fromarray(image), name)
    return image


def as_rgb_list(images: Sequence[Any]) -> list[Array]:
    """Return several images as `as_rgb` does.

    Raises
    ------
    TypeError
        If `images` is one image, not a sequence of images.
    """
    if isinstance(images, str | os.PathLike) or hasattr(images, "getbands"):
        raise TypeError("images: expected a sequence of images, got one; write predict([image])")
    if isinstance(images, np.ndarray) and (images.ndim < 3 or images.ndim == 3 and images.shape[2] in (1, 3, 4)):
        raise TypeError(
            f"images: expected a sequence of images, got one of shape {images.shape}; write predict([image])"
        )
    return [as_rgb(image, f"images[{index}]") for index, image in enumerate(images)]
