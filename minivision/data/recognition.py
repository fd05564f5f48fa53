"""Finding out which format the data in a folder are in."""

from __future__ import annotations

import os
from pathlib import Path

from minivision.data.files import IMAGE_SUFFIXES, walk
from minivision.data.formats import FORMATS, Found

__all__ = ["UnknownFormatError", "recognize"]


class UnknownFormatError(ValueError):
    """A folder in which no format of data was recognized."""


def recognize(root: str | os.PathLike) -> tuple[Found, ...]:
    """Return what a folder, or a file of annotations, may be: the first one is taken, others are for a message.

    Formats are asked in the order of `FORMATS`.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    UnknownFormatError
        If it is of no format; the message lists what was looked for.
    """
    root = Path(root)
    if not root.exists():
        raise FileNotFoundError(f"there is no folder {root}")
    found = tuple(each for each in (form.recognize(root) for form in FORMATS) if each)
    if not found:
        looked = "; ".join(f"{form.title}: {form.looks_for}" for form in FORMATS)
        raise UnknownFormatError(f"{root} {_content(root)}, and is of no format that is known. Looked for {looked}")
    return found


def _content(root):
    """Return a few words on what is in a folder."""
    if root.is_file():
        return "is a file"
    images = sum(1 for _ in walk(root, IMAGE_SUFFIXES))
    texts = sum(1 for _ in walk(root, [".json", ".xml", ".txt", ".csv", ".yaml", ".yml"]))
    return f"has {images} images and {texts} JSON, XML, text, CSV and YAML files"
