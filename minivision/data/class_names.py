"""Names of classes as annotation files have them: which mean the background, and which cannot be used."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from typing import Any

from minivision.data.images import BrokenFileError
from minivision.data.text import read_lines

__all__ = ["check_class_names", "is_background", "read_class_names"]

_BACKGROUND = ("background", "bg")
_IGNORED = ("ignore", "ignored")  # labelme's label -1, which label maps have as 255


def is_background(name: str) -> bool:
    """Return whether a name means the background, as ``_background_`` of labelme does."""
    return _plain(name) in _BACKGROUND


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
    if names and _plain(names[0]) in _IGNORED:
        names = names[1:]
    if names and is_background(names[0]):
        names = names[1:]
    return check_class_names(path, names)


def _plain(name):
    return name.strip().strip("_").lower()
