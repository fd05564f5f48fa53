"""Argument checks that the parts of selective search share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minivision.core.arguments import as_array, check_shape, floats, number
from minivision.core.devices import get_array_module
from minivision.core.types import Array

MAX_SIDE = 65535  # pixels; a box is four numbers of 16 bits
MAX_PIXELS = 1 << 29  # four edges of each are counted with 32 bits


def check_image(image: npt.ArrayLike) -> Array:
    """Return an image as floats ``(H, W, C)``: float64 stays, all other dtypes become float32.

    Raises
    ------
    TypeError, ValueError
        If it is no image, is empty, or has values that are not finite.
    """
    image = as_array("image", image)
    if image.dtype.kind not in "uif":
        raise TypeError(f"image: expected numbers from 0 to 255, got {image.dtype}")
    image = image[..., None] if image.ndim == 2 else image
    if image.ndim != 3:
        raise ValueError(f"image: expected one image (H, W, C), got shape {image.shape}")
    check_extent(image)
    image = np.ascontiguousarray(image, np.float64 if image.dtype == np.float64 else np.float32)
    check_finite("image", image)
    return image


def check_rgb(image: Any, name: str = "image") -> None:
    """Raise TypeError or ValueError unless `image` is a uint8 array of shape ``(H, W, 3)`` with pixels."""
    if isinstance(image, np.ma.MaskedArray):  # kernels would read the numbers under its mask
        raise TypeError(f"{name}: expected an array without a mask, got a masked array; fill it first: image.filled(0)")
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        got = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(
            f"{name}: expected a uint8 array, 0 to 255, got {got}; convert it, as (255 * x).astype('uint8')"
        )
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"{name}: expected RGB of shape (H, W, 3), got {image.shape}")
    check_extent(image)


def check_extent(image: Array) -> None:
    """Raise ValueError if an image ``(H, W, C)`` is empty or too large."""
    if image.size == 0:
        raise ValueError(f"image: it has no pixels, its shape is {image.shape}")
    if max(image.shape[:2]) > MAX_SIDE or image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise ValueError(f"image: {image.shape[0]} x {image.shape[1]} pixels are too many; make it smaller first")


def check_positive(name: str, value: Any) -> None:
    """Raise ValueError unless `value` is a finite number above 0."""
    if not 0 < number(name, value) < float("inf"):
        raise ValueError(f"{name}: expected a number greater than 0, got {value!r}")


def check_finite(name: str, array: Array) -> None:
    """Raise ValueError if `array` has NaN or infinity."""
    # The smallest and the largest value show it (both are NaN if there is a NaN), faster than a test of each value.
    if array.size and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        raise ValueError(f"{name}: it has values that are not finite (NaN or infinity)")


def float_image(**images: npt.ArrayLike) -> list[Array]:
    """Return images ``(H, W, C)`` of one shape and dtype, float32 or float64; the dispatcher's form of an image."""
    arrays = floats(**images)
    names = list(images)
    for name, array in zip(names, arrays, strict=True):
        if array.dtype.kind != "f":
            raise TypeError(f"{name}: expected float32 or float64, got {array.dtype}")
        check_shape(name, array, "H, W, C", meaning="rows, columns and channels")
        if array.shape != arrays[0].shape:
            raise ValueError(f"{name}: expected shape {arrays[0].shape} (that of {names[0]}), got {array.shape}")
    check_extent(arrays[0])
    return arrays


def integers_below(name: str, value: npt.ArrayLike, size: int, dtype: type, hint: str) -> Array:
    """Return integers as an array of `dtype`, and raise ValueError unless all lie in ``0 .. size - 1``.

    As :func:`minivision.core.arguments.integers` with ``check_range``, but without a copy to 64 bits: arrays with a
    number for each pixel and histogram are large.
    """
    array = as_array(name, value)
    if array.size and array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}; convert them first, as in {name}.astype(int)")
    if array.size and not (int(array.min()) >= 0 and int(array.max()) < size):
        module = get_array_module(array)
        at = tuple(int(k) for k in module.argwhere((array < 0) | (array >= size))[0])
        raise ValueError(f"{name}: expected values in 0 .. {size - 1}, got {int(array[at])} at {at}; {hint}")
    return array.astype(dtype, copy=False)
