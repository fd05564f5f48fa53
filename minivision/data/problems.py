"""What is wrong or odd in a dataset, as the readers that see it report it.

Readers mend or leave out what they can, and say so in one warning for a whole file. Whoever wants to know each case
opens the dataset inside of `collect_problems`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import NamedTuple

__all__ = ["KINDS", "SEVERITIES", "Kind", "MendedWarning", "Problem", "collect_problems", "is_collecting", "report"]

SEVERITIES = ("error", "warning", "note")  # the worst first


class Kind(NamedTuple):
    """A kind of problem: how bad it is, its title, and what to do about it."""

    severity: str
    title: str
    advice: str


# By name, the worst first: the order of tables and pages.
KINDS = {
    "split": Kind("error", "splits that cannot be opened", "nothing in them could be looked at: mend this first"),
    "empty-split": Kind("error", "splits without images", "nothing to learn or to measure: add images, or remove it"),
    "missing-file": Kind("error", "files that are missing", "restore the file, or take it out of the annotations"),
    "unreadable": Kind("error", "images that cannot be read", "replace the file; --skip-broken trains without it"),
    "wrong-size": Kind(
        "error", "images of another size than annotated",
        "the boxes belong to another version of the image",
    ),
    "wrong-annotation": Kind(
        "error", "annotations that cannot be used",
        "mend the entry; --skip-broken leaves out the image",
    ),
    "shared-image": Kind(
        "error", "pictures that are in two splits",
        "measured on images it has learned, a model seems better than it is",
    ),
    "different-classes": Kind(
        "error", "splits with different classes",
        "a label means another class in each: give all splits one list",
    ),
    "lost-box": Kind(
        "error", "boxes outside of their image",
        "are they x, y, width, height or corners, as the format wants?",
    ),
    "empty-box": Kind(
        "error", "boxes without area",
        "width or height is 0 or negative: draw them anew, or remove them",
    ),
    "empty-mask": Kind("error", "masks without a pixel", "draw the mask anew, or remove the object"),
    "cut-box": Kind(
        "warning", "boxes that reach out of their image",
        "they are cut at its border; was the image resized later?",
    ),
    "thin-box": Kind("warning", "boxes of hardly a pixel", "a click where a box was to be drawn? Remove them"),
    "mask-box": Kind(
        "warning", "masks that disagree with their boxes",
        "one of the two is wrong, or belongs to another object",
    ),
    "listed-twice": Kind("warning", "files that are listed twice", "each entry has only its own objects: merge them"),
    "same-picture": Kind(
        "warning", "the same picture under two names",
        "it counts twice; are its annotations the same?",
    ),
    "same-object": Kind("warning", "objects that are annotated twice", "same class, same box: remove one of them"),
    "not-annotated": Kind(
        "warning", "images without annotation file",
        "they are left out; one without objects needs an empty file",
    ),
    "no-box": Kind("warning", "objects without box", "they are left out: export them with boxes"),
    "stored-turned": Kind(
        "warning", "photographs annotated lying on their side",
        "their EXIF orientation is not applied: turn the stored pixels and the annotations",
    ),
    "unused-class": Kind(
        "warning", "classes without any object",
        "nothing can be learned of them: remove them from the list",
    ),
    "one-split-class": Kind(
        "warning", "classes that only one split has",
        "not learned, or not measured: divide the images anew",
    ),
    "reader": Kind("warning", "what the reader says", "it mends what it can, and goes on"),
    "empty-image": Kind("note", "images without objects", "all background: right if really nothing is there"),
    "small-object": Kind(
        "note", "objects smaller than a cell",
        "train on larger images (--size), or with a smaller stride",
    ),
    "long-object": Kind(
        "note", "shapes that no anchor has",
        "give Faster R-CNN more of them, such as --ratios 0.2,0.5,1,2,5",
    ),
    "gray": Kind("note", "gray images", "read as RGB of three equal channels"),
    "palette": Kind("note", "images with a palette", "read as RGB"),
    "other-colors": Kind("note", "images in other colors than RGB", "converted to RGB, without their color profile"),
    "16-bit": Kind("note", "images of 16 bits a channel", "scaled to 8 bits"),
    "transparent": Kind("note", "images with an alpha channel", "transparent pixels are laid on white"),
}  # fmt: skip


class MendedWarning(UserWarning):
    """A warning that sums up problems each of which is also reported: who collects them need not read it."""


@dataclasses.dataclass(frozen=True)
class Problem:
    """One thing that is wrong or odd.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    file : str
        The image; the annotation file where no single image is concerned. It may be empty.
    detail : str
        What exactly, in a few words.
    boxes : tuple of (x1, y1, x2, y2)
        Where in the image, in pixels, as annotated.
    split : str
    index : int, optional
        Of the sample in its split, if it has one.
    """

    kind: str
    file: str
    detail: str
    boxes: tuple[tuple[float, ...], ...] = ()
    split: str = ""
    index: int | None = None

    @property
    def severity(self) -> str:
        """``"error"``, ``"warning"`` or ``"note"``."""
        return KINDS[self.kind].severity


_collected: ContextVar[list[Problem] | None] = ContextVar("problems", default=None)


@contextlib.contextmanager
def collect_problems() -> Iterator[list[Problem]]:
    """Yield a list that gets each problem which readers report inside of the ``with`` block."""
    problems: list[Problem] = []
    token = _collected.set(problems)
    try:
        yield problems
    finally:
        _collected.reset(token)


def is_collecting() -> bool:
    """Return whether problems are being collected: who does so reads every sample and sees what is broken."""
    return _collected.get() is not None


def report(kind: str, file: str | os.PathLike, detail: str, box: tuple[float, ...] | None = None) -> None:
    """Report a problem to `collect_problems`, if anybody collects them.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    file : path
        The image, or the annotation file.
    detail : str
    box : (x1, y1, x2, y2), optional
        As annotated, before it is clipped.
    """
    problems = _collected.get()
    if problems is not None:
        problems.append(Problem(kind, os.fspath(file), detail, () if box is None else (tuple(map(float, box)),)))
