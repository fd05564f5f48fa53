"""Reading pictures of any common kind as RGB."""

from pathlib import Path

import numpy as np

__all__ = ["BrokenFileError", "image_size", "read_image", "read_index_map"]

_EXIF_ORIENTATION = 0x0112  # 5 to 8 turn the picture by a quarter


class BrokenFileError(ValueError):
    """A file of a dataset that cannot be used.

    Parameters
    ----------
    path : path
        The file.
    reason : str or Exception
        What is wrong with it.
    """

    def __init__(self, path, reason):
        super().__init__(f"cannot use {path}: {reason}")
        self.path, self.reason = Path(path), str(reason)


def read_image(path, size=None):
    """Read an image file as RGB.

    Grey, palette, 1-bit and CMYK pictures are converted, 16 bits are scaled to 8, and transparency is laid on
    white. The orientation that a camera noted in EXIF is applied.

    Parameters
    ----------
    path : path
        A PNG, JPEG, TIFF, BMP, GIF (its first picture), WebP, ...
    size : (height, width), optional
        The size that the picture must have, as its annotations say. If it has this size only without its EXIF
        orientation, that is not applied: the annotations were made without it.

    Returns
    -------
    (H, W, 3) uint8 array

    Raises
    ------
    BrokenFileError
        Where the file is missing, damaged, cut short, no picture, or not of this size.
    """
    from PIL import ImageOps

    with _opened(path) as image:
        if size is None or _oriented_size(image) == tuple(size):
            image = ImageOps.exif_transpose(image)
        elif (image.height, image.width) != tuple(size):
            found, wanted = f"{image.height}x{image.width}", f"{size[0]}x{size[1]}"
            raise BrokenFileError(path, f"it is {found} (height x width), but its annotations say {wanted}")
        return _to_rgb(image, path)


def image_size(path):
    """``(height, width)`` of an image file, from its header, as `read_image` would return it."""
    with _opened(path) as image:
        return _oriented_size(image)


def read_index_map(path, size=None):
    """Read a PNG whose pixel values are classes or object numbers, in grey or with a palette.

    Parameters
    ----------
    path : path
        The file.
    size : (height, width), optional
        The size that it must have.

    Returns
    -------
    (H, W) uint8 or uint16 array
        Grey values, or indices into the palette.

    Raises
    ------
    BrokenFileError
        As `read_image`, and where the pixels are colours.
    """
    with _opened(path) as image:
        if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
            raise BrokenFileError(
                path,
                f"its pixels should be numbers, but it is {image.mode}; save it in grey or with a palette",
            )
        if size is not None and (image.height, image.width) != tuple(size):
            found, wanted = f"{image.height}x{image.width}", f"{size[0]}x{size[1]}"
            raise BrokenFileError(path, f"it is {found} (height x width), but its image is {wanted}")
        values = np.array(image)
    return values.astype(np.uint8 if values.max(initial=0) < 256 else np.uint16)


class _opened:
    """``with _opened(path) as image``: a PIL image; whatever goes wrong inside is a `BrokenFileError`."""

    def __init__(self, path):
        self.path, self.image = Path(path), None

    def __enter__(self):
        from PIL import Image

        if not self.path.is_file():
            raise BrokenFileError(self.path, "there is no such file")
        try:
            self.image = Image.open(self.path)
        except Exception as error:  # Pillow's readers raise whatever the damage makes them
            raise BrokenFileError(self.path, error) from error
        return self.image

    def __exit__(self, kind, error, traceback):
        self.image.close()
        if isinstance(error, Exception) and not isinstance(error, BrokenFileError):
            raise BrokenFileError(self.path, error) from error


def _oriented_size(image):
    quarter_turn = image.getexif().get(_EXIF_ORIENTATION, 1) in (5, 6, 7, 8)
    return (image.width, image.height) if quarter_turn else (image.height, image.width)


def _to_rgb(image, path):
    """A PIL image of any mode as an ``(H, W, 3)`` uint8 array."""
    from PIL import Image

    if image.mode == "F":
        raise BrokenFileError(path, "its pixels are floating-point numbers; save it with 8 or 16 bits")
    if image.mode.startswith("I"):  # 16 bits; Pillow would clip them to 255
        grey = np.array(image).astype(np.int64)
        if grey.min(initial=0) < 0 or grey.max(initial=0) > 65535:
            raise BrokenFileError(path, "its pixels have more than 16 bits; save it with 8 or 16 bits")
        return np.repeat((grey / 257 + 0.5).astype(np.uint8)[..., None], 3, axis=2)
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))
