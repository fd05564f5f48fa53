"""What a format of data is: how its folders are recognized, and how a split is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from minivision.data.files import FileDataset

__all__ = ["Format", "Found"]


@dataclass(frozen=True)
class Found:
    """What was recognized in a folder, or in a file.

    Attributes
    ----------
    kind : str
        That of the `Format`.
    splits : tuple of str
        Names of the parts, such as ``("train", "val")``; empty where everything is in one place, and is divided by the
        names of the images.
    evidence : str
        What shows that it is of this format, for people: ``"data.yaml"``, ``"3 XML files in labels"``.
    """

    kind: str
    splits: tuple[str, ...]
    evidence: str


class Opener(Protocol):
    """A function that opens a split of a folder or a file."""

    def __call__(self, root: Path, split: str, *, skip_broken: bool = False) -> FileDataset: ...


@dataclass(frozen=True)
class Format:
    """A format of data.

    Attributes
    ----------
    kind : str
        The word before the colon in ``--data KIND:DIR``.
    title : str
        The name of the format, for people.
    looks_for : str
        What a folder of this format has, for people: the end of a sentence that begins with "for".
    recognize : function
        ``recognize(root)`` returns a `Found` if a folder or a file is of this format, else None. It reads little: no
        pixels, and of many files the first ones. It raises nothing because of what is in the files.
    open : function
        ``open(root, split, skip_broken=False)`` returns a `FileDataset`, and raises `BrokenFileError` with file, place
        and remedy, or FileNotFoundError without such a split.
    """

    kind: str
    title: str
    looks_for: str
    recognize: Callable[[Path], Found | None]
    open: Opener
