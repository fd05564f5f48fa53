"""Names of classes as annotation files have them: which mean the background, and which cannot be used."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minivision.data.images import BrokenFileError
from minivision.data.text import read_lines

__all__ = [
    "check_class_names",
    "check_names_are_listed",
    "is_background",
    "is_ignored",
    "listed_classes",
    "read_class_names",
]

CLASS_FILES = ("classes.txt", "class_names.txt", "labels.txt")  # with a name on each line
_BACKGROUND = ("background", "bg")
_IGNORED = ("ignore", "ignored")  # labelme's label -1, which label maps have as 255


def is_background(name: str) -> bool:
    """Return whether a name means the background, as ``_background_`` of labelme does."""
    return _plain(name) in _BACKGROUND


def is_ignored(name: str) -> bool:
    """Return whether a name means pixels to ignore, as ``__ignore__`` of labelme does."""
    return _plain(name) in _IGNORED


def check_class_names(path: str | os.PathLike, names: Sequence[Any]) -> tuple[str, ...]:
    """Return the names of classes, the background added as the first one.

    Parameters
    ----------
    path : path
        The file that has them, for messages.
    names : sequence of str
        Without the background.

    Raises
    ------
    BrokenFileError
        If a name is no text, is empty, cannot be printed, means the background, or occurs twice.
    """
    for number, name in enumerate(names, start=1):
        if not isinstance(name, str) or not name.strip():
            raise BrokenFileError(path, f"the name of class {number} should be a text, got {name!r}")
        if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in name):
            raise BrokenFileError(path, f"the name of class {number} has characters that cannot be printed: {name!r}")
        if is_background(name):
            raise BrokenFileError(
                path, f"class {number} is called {name!r}, which means the pixels and boxes without a class; rename it"
            )
        if name in names[: number - 1]:
            first = list(names).index(name) + 1
            raise BrokenFileError(path, f"classes {first} and {number} have the same name, {name!r}; rename one")
    return ("background", *names)


def read_class_names(path: str | os.PathLike) -> tuple[str, ...]:
    """Read a file with one name per line, in the order of the labels.

    Lines for ignored pixels and for the background, which come first, are left out: labelme writes ``__ignore__``
    and ``_background_``.

    Returns
    -------
    classes : tuple of str
        With the background as the first one.
    """
    names = read_lines(path)
    if names and is_ignored(names[0]):
        names = names[1:]
    if names and is_background(names[0]):
        names = names[1:]
    return check_class_names(path, names)


def listed_classes(root: Path, annotated: set[str]) -> tuple[str, ...] | None:
    """Return the classes that a file in a folder lists, None without such a file.

    Parameters
    ----------
    root : path
        The file is ``classes.txt``, ``class_names.txt`` or ``labels.txt``.
    annotated : set of str
        Names that the annotations have.

    Returns
    -------
    classes : tuple of str
        The background first.

    Raises
    ------
    BrokenFileError
        If the file lacks a name that the annotations have.
    """
    path = next((root / name for name in CLASS_FILES if (root / name).is_file()), None)
    if path is None:
        return None
    classes = read_class_names(path)
    check_names_are_listed(path, classes, annotated)
    return classes


def check_names_are_listed(path: Path, classes: Sequence[str], annotated: set[str]) -> None:
    """Raise BrokenFileError if the annotations have names that the file `path` does not list."""
    missing = sorted(annotated - set(classes))
    if missing:
        raise BrokenFileError(path, f"it lacks names that the annotations have: {', '.join(missing)}")


def _plain(name):
    return name.strip().strip("_").lower()
