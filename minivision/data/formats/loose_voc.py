"""XML files in the format of PASCAL VOC without its lists of images.

So labelImg, makesense.ai and Roboflow write them: beside the images, or in a folder of their own, perhaps with a folder
for each split.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from minivision.data.files import IMAGE_SUFFIXES, OTHER_NAMES, FileDataset, one_split, split_name, walk
from minivision.data.images import BrokenFileError
from minivision.data.records import ImageRecord, ObjectRecord, Recorded
from minivision.data.text import peek
from minivision.data.voc_files import Annotation, first_pixel, read_annotation, read_classes

__all__ = ["first_annotation", "open_loose_voc", "split_folders"]

DEPTH = 2  # of folders in which XML files are, as in Annotations/train
TRIED = 20  # XML files that show the format
_PEEK = 1 << 12  # bytes of a file in which its first element is
_BEGINNING = re.compile(
    r"(?:\s|<\?(?:(?!\?>).)*\?>|<!--(?:(?!-->).)*-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\]\s*)?>)*<annotation[\s/>]", re.DOTALL
)


def first_annotation(root: Path) -> Path | None:
    """Return the first XML file that begins as an annotation does, None if there is none among the first ones."""
    return next((path for path in islice(walk(root, [".xml"], depth=DEPTH), TRIED) if _is_annotation(path)), None)


def _is_annotation(path):
    return _BEGINNING.match(peek(path, _PEEK).decode("utf-8-sig", "replace")) is not None


def split_folders(root: Path) -> dict[str, Path]:
    """Return the folders with XML files that have the name of a split, by the usual name of the split."""
    named = {split_name(path.name): path for path in sorted(root.glob("*")) if path.is_dir()}
    named |= {split_name(path.name): path for path in sorted(root.glob("[aA]nnotations/*")) if path.is_dir()}
    return {split: named[split] for split in OTHER_NAMES if split in named and next(walk(named[split], [".xml"]), None)}


class _File(NamedTuple):
    path: Path
    annotation: Annotation
    image: Path


def open_loose_voc(root: Path, split: str, *, skip_broken: bool = False) -> FileDataset:
    """Open a split.

    Raises
    ------
    FileNotFoundError
        If there is no such split.
    BrokenFileError
        If an XML file cannot be used, or its image is not there.
    """
    splits = split_folders(root)
    if len(splits) > 1 and split_name(split) not in splits:
        raise FileNotFoundError(f"{root} has no folder {split!r}; splits that are there: {', '.join(splits)}")
    images = _Images(root)
    files, broken = [], []
    for path in walk(root, [".xml"], depth=DEPTH):
        if not _is_annotation(path):
            continue
        try:
            annotation = read_annotation(path)
            files.append(_File(path, annotation, images.find(path, annotation.file_name)))
        except BrokenFileError as error:
            if not skip_broken:
                raise
            broken.append(error)
    if broken and not files:
        raise broken[0]
    objects = [each for file in files for each in file.annotation.objects if each]
    classes, _ = read_classes(root, {each.name for each in objects})
    first = first_pixel(root, objects)
    if len(splits) > 1:
        folder = splits[split_name(split)]
        chosen = [file for file in files if file.path.is_relative_to(folder)]
        broken = [error for error in broken if error.path.is_relative_to(folder)]
    else:
        chosen = one_split(files, split, root, lambda file: file.image.name)
    _tell_of_images_without_file(root, images, files)
    records = [_record(file, first) for file in chosen]
    return Recorded(records, classes[1:], source=root, broken=broken, skip_broken=skip_broken)


class _Images:
    """The images below a folder, by their names and by these without suffix; a file can name no others."""

    def __init__(self, root):
        self.paths = list(walk(root, IMAGE_SUFFIXES, depth=8))
        self.by_name: dict[str, list[Path]] = {}
        for path in self.paths:
            for name in {path.name.lower(), path.stem.lower()}:
                self.by_name.setdefault(name, []).append(path)

    def find(self, path, file_name):
        """Return the image of an XML file: of the name that it has inside, or of its own name; the nearest one."""
        own = (file_name or "").replace("\\", "/").rpartition("/")[2].lower()
        for name in (own, own.rpartition(".")[0], path.stem.lower()):
            found = self.by_name.get(name, []) if name else []
            if found:
                return max(found, key=lambda image: _shared(image.parent.parts, path.parent.parts))
        raise BrokenFileError(path, f"its image {own or path.stem!r} is not there, nor one of the name of this file")


def _shared(some: Sequence[str], others: Sequence[str]) -> tuple[int, int]:
    """Return how near two folders are: how many parts of their paths they share, and how few they do not."""
    count = next((k for k, pair in enumerate(zip(some, others, strict=False)) if pair[0] != pair[1]), None)
    shared = min(len(some), len(others)) if count is None else count
    return shared, -len(some)


def _record(file, first):
    objects = []
    for each in file.annotation.objects:
        if each is not None:
            x1, y1, x2, y2 = each.corners
            objects.append(ObjectRecord(each.name, (x1 - first, y1 - first, x2, y2), crowd=each.difficult))
    return ImageRecord(file.image, file.annotation.size, objects, source=file.path)


def _tell_of_images_without_file(root, images, files):
    """Warn about images that may not be annotated yet: they cannot count as images without objects."""
    used = {file.image for file in files}
    names = [path.name for path in images.paths if path not in used]
    if names:
        shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
        warnings.warn(f"{root}: left out {len(names)} images without an XML file: {shown}", stacklevel=4)
