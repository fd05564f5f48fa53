"""Finding out which format the data in a folder are in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from minivision.data.files import IMAGE_SUFFIXES, OTHER_NAMES, is_hidden, split_name, walk
from minivision.data.formats import FORMATS, Found

__all__ = ["Recognized", "UnknownFormatError", "recognize"]

SPLITS = tuple(OTHER_NAMES)  # a folder of this name is a part of a dataset
MOST_FOLDERS = 20  # that are looked into, for a message


class UnknownFormatError(ValueError):
    """A folder in which no format of data was recognized."""


class Recognized(NamedTuple):
    """Where data are, and what they may be: the first one is taken, the others are for a message."""

    root: Path
    found: tuple[Found, ...]


def recognize(root: str | os.PathLike) -> Recognized:
    """Find out the format of a folder, or of a file of annotations.

    Formats are asked in the order of `FORMATS`. A folder of no format that holds nothing but another folder, as
    unpacked archives do, stands for that one.

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
    shown = sorted(path for path in root.iterdir() if _counts(path)) if root.is_dir() else []
    folders = [path for path in shown if path.is_dir()]
    alone = len(shown) == len(folders) == 1
    if alone and split_name(shown[0].name) not in SPLITS and _asked(shown[0]):
        return recognize(shown[0])  # asked first: seen from above, its lists and folders of splits may be missed
    found = _asked(root)
    if found:
        return Recognized(root, found)
    if alone:
        return recognize(shown[0])
    inside = [f"{path} ({each[0].kind})" for path in folders[:MOST_FOLDERS] if (each := _asked(path))]
    if inside:
        raise UnknownFormatError(f"{root} holds several datasets; name one of them: {', '.join(inside)}")
    looked = "; ".join(f"{form.title}: {form.looks_for}" for form in FORMATS)
    raise UnknownFormatError(f"{root} {_content(root)}, and is of no format that is known. Looked for {looked}")


def _asked(root):
    return tuple(found for found in (form.recognize(root) for form in FORMATS) if found)


def _counts(path):
    """Return whether a file or folder is somebody's, and not the system's."""
    return not is_hidden(path) and path.name != "__MACOSX"


def _content(root):
    """Return a few words on what is in a folder."""
    if root.is_file():
        return "is a file"
    images = sum(1 for _ in walk(root, IMAGE_SUFFIXES))
    texts = sum(1 for _ in walk(root, [".json", ".xml", ".txt", ".csv", ".yaml", ".yml"]))
    return f"has {images} images and {texts} JSON, XML, text, CSV and YAML files"
