"""Reading image files of all common formats as RGB."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.core.types import Array, Size

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "BrokenFileError",
    "ImageHeader",
    "check_is_file",
    "has_colors",
    "image_header",
    "image_size",
    "is_image_name",
    "read_file",
    "read_image",
    "read_index_map",
    "rgb_of",
    "stored_image_size",
]

# Formats that Pillow reads itself. It chooses by content, and hands others, such as EPS, to a program of their own.
FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG2000", "TGA", "ICO", "PCX")
FEW_BITS = 1 << 14  # with 16 bits a pixel, no value as large as this: most likely a camera of 10, 12 or 14 bits
_INDEX_MODES = ("1", "L", "P", "I", "I;16", "I;16B")  # of Pillow: one number a pixel
_ALPHA_MODES = ("LA", "PA", "RGBA", "La", "RGBa")
_EXIF_ORIENTATION = 0x0112  # 5 to 8 mean a rotation by 90 degrees


class BrokenFileError(ValueError):
    """A file of a dataset that cannot be used.

    Parameters
    ----------
    path : path
        The file.
    reason : str or Exception
        What is wrong with it.
    kind : str, optional
        The kind of problem (`minivision.data.problems.KINDS`), where the file alone does not tell it.
    """

    def __init__(self, path: str | os.PathLike, reason: str | Exception, kind: str | None = None) -> None:
        super().__init__(f"cannot use {path}: {reason}")
        self.path, self.reason, self.kind = Path(path), str(reason), kind


def read_image(path: str | os.PathLike, size: Size | None = None, content: bytes | None = None) -> Array:
    """Read an image file as RGB.

    Gray, palette, 1-bit and CMYK images are converted, 16 bits are scaled to 8, and transparent pixels are blended
    with white. The orientation in a camera's EXIF data is applied.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, BMP, GIF (its first frame), WebP, ...
    size : (height, width), optional
        The size that the image must have according to its annotations. If it has this size only without its EXIF
        orientation, the orientation is not applied: the annotations were made without it.
    content : bytes, optional
        The image, where it is within another file; `path` is then for messages.

    Returns
    -------
    image : uint8 ndarray of shape (H, W, 3)

    Raises
    ------
    BrokenFileError
        If the file is missing, damaged, cut short, not an image, or not of this size.
    """
    from PIL import ImageOps

    with _opened(path, content) as image:
        deep = _is_deep(image)
        if size is None or _oriented_size(image) == tuple(size):
            image = ImageOps.exif_transpose(image)
        elif (image.height, image.width) != tuple(size):
            actual, expected = f"{image.height}x{image.width}", f"{size[0]}x{size[1]}"
            reason = f"it is {actual} (height x width), but its annotations say {expected}"
            raise BrokenFileError(path, reason, "wrong-size")
        return _to_rgb(image, path, deep)


def read_file(path: str | os.PathLike) -> bytes:
    """Return the content of an image file for `read_image`, which may be called on another machine.

    Raises
    ------
    BrokenFileError
        If there is no such file, it is none, or it cannot be read.
    """
    path = Path(path)
    check_is_file(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise BrokenFileError(path, error) from error


def rgb_of(image: Image.Image, name: str) -> Array:
    """Return an image of Pillow as `read_image` returns a file; `name` is for messages."""
    from PIL import ImageOps

    return _to_rgb(ImageOps.exif_transpose(image), name, False)


def image_size(path: str | os.PathLike, content: bytes | None = None) -> Size:
    """Return ``(height, width)`` of the image that `read_image` would return, from the header of its file."""
    with _opened(path, content) as image:
        return _oriented_size(image)


def stored_image_size(path: str | os.PathLike) -> Size:
    """Return ``(height, width)`` of an image as it is stored, without its EXIF orientation."""
    with _opened(path) as image:
        return image.height, image.width


class ImageHeader(NamedTuple):
    """What the header of an image file says.

    Attributes
    ----------
    mode : str
        Pillow's: ``"RGB"``, ``"L"`` (gray), ``"P"`` (palette), ``"RGBA"``, ...
    deep : bool
        Whether it has 16 bits a channel.
    transparent : bool
        Whether it has an alpha channel or a transparent color.
    size, oriented_size : (height, width)
        As it is stored, and after its EXIF orientation is applied.
    """

    mode: str
    deep: bool
    transparent: bool
    size: Size
    oriented_size: Size


def image_header(path: str | os.PathLike) -> ImageHeader:
    """Read the header of an image file; raises BrokenFileError as `read_image` does."""
    with _opened(path) as image:
        transparent = image.mode in _ALPHA_MODES or "transparency" in image.info
        deep = _is_deep(image) or image.mode.startswith("I")
        return ImageHeader(image.mode, deep, transparent, (image.height, image.width), _oriented_size(image))


def has_colors(path: str | os.PathLike) -> bool:
    """Return whether the pixels of an image file are colors, not gray values or indices into a palette."""
    with _opened(path) as image:
        return image.mode not in _INDEX_MODES


def read_index_map(path: str | os.PathLike, size: Size | None = None, content: bytes | None = None) -> Array:
    """Read a PNG whose pixel values are classes or object numbers, gray or with a palette.

    Parameters
    ----------
    path : path
        The file.
    size : (height, width), optional
        The size that it must have.
    content : bytes, optional
        The image, where it is within another file; `path` is then for messages.

    Returns
    -------
    index_map : uint8 or uint16 ndarray of shape (H, W)
        Gray values, or indices into the palette.

    Raises
    ------
    BrokenFileError
        As in `read_image`, and if the pixels are colors.
    """
    with _opened(path, content) as image:
        if image.mode not in _INDEX_MODES:
            raise BrokenFileError(
                path,
                f"its pixels should be numbers, but it is {image.mode}; save it in gray or with a palette",
                "wrong-annotation",
            )
        if size is not None and (image.height, image.width) != tuple(size):
            actual, expected = f"{image.height}x{image.width}", f"{size[0]}x{size[1]}"
            reason = f"it is {actual} (height x width), but its image is {expected}"
            raise BrokenFileError(path, reason, "wrong-size")
        values = np.array(image)
    return values.astype(np.uint8 if values.max(initial=0) < 256 else np.uint16)


def is_image_name(path: Path) -> bool:
    """Return whether the suffix of a file is that of an image format which `read_image` reads."""
    from PIL import Image

    Image.init()
    return Image.registered_extensions().get(path.suffix.lower()) in FORMATS


def check_is_file(path: Path) -> None:
    """Raise BrokenFileError unless a path leads to a file: a pipe or a device would be waited for."""
    if not os.path.isfile(path):  # False, not an error, for a name that no file can have
        raise BrokenFileError(path, "it is not an ordinary file" if os.path.exists(path) else "there is no such file")


class _opened:
    """``with _opened(path) as image``: a PIL image; every error inside becomes a `BrokenFileError`."""

    def __init__(self, path: str | os.PathLike, content: bytes | None = None) -> None:
        self.path, self.content = Path(path), content

    def __enter__(self) -> Image.Image:
        from PIL import Image

        if self.content is None:
            check_is_file(self.path)
        try:
            Image.init()
            file = self.path if self.content is None else io.BytesIO(self.content)
            self.image = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
        except Image.UnidentifiedImageError as error:
            raise BrokenFileError(self.path, f"it is not an image of these formats: {', '.join(FORMATS)}") from error
        except Exception as error:  # Pillow's readers raise errors of many types
            raise BrokenFileError(self.path, error) from error
        return self.image

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self.image.close()
        if isinstance(error, Exception) and not isinstance(error, BrokenFileError):
            raise BrokenFileError(self.path, error) from error


def _is_deep(image):
    """Return whether a PIL image has colors of 16 bits a channel in its file.

    Pillow keeps the upper 8 bits of them; only its decoder's arguments tell.
    """
    parts = (part for tile in getattr(image, "tile", ()) for part in np.ravel(tile[3]))
    return any(isinstance(part, str) and ";16" in part for part in parts)


def _oriented_size(image):
    """Return ``(height, width)`` of a PIL image after its EXIF orientation is applied."""
    quarter_turn = image.getexif().get(_EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    return (image.width, image.height) if quarter_turn else (image.height, image.width)


def _to_rgb(image, path, deep):
    """Convert a PIL image of any mode to a uint8 array ``(H, W, 3)``; `deep`: it had 16 bits a channel in its file."""
    from PIL import Image

    if image.mode == "F":
        raise BrokenFileError(path, "its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode.startswith("I"):  # 16 bits; Pillow would clip them to 255
        gray = np.array(image).astype(np.int64)
        if gray.min(initial=0) < 0 or gray.max(initial=0) > 65535:
            raise BrokenFileError(path, "its pixels have more than 16 bits; save it with 8 or 16 bits")
        _warn_if_dark(path, int(gray.max(initial=0)))
        return np.repeat((gray / 257 + 0.5).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    pixels = np.array(image.convert("RGB"))
    if deep:
        _warn_if_dark(path, 256 * int(pixels.max(initial=0)) + 255)
    return pixels


def _warn_if_dark(path, brightest):
    """Warn about a picture of 16 bits a channel whose values use fewer: scaled to 8 bits, little is left of it."""
    if 255 < brightest < FEW_BITS:
        bits = brightest.bit_length()
        warnings.warn(
            f"{path} has 16 bits a value, of which {bits} are used, so it becomes nearly black, with "
            f"{1 << bits - 8} of 256 levels; multiply its values by {1 << 16 - bits}",
            stacklevel=2,
        )
