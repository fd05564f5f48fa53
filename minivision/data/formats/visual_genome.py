"""Visual Genome's regions with phrases (https://homes.cs.washington.edu/~ranjay/visualgenome/, versions 1.0 and 1.2).

``region_descriptions.json`` is a list of images, each with ``id`` (or ``image_id``) and ``regions``: ``x`` and ``y`` of
the upper left corner, ``width`` and ``height`` in pixels, and ``phrase``. There are no classes: all are regions.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from minivision.data.files import IMAGE_SUFFIXES, one_split, walk
from minivision.data.formats.format import Format, Found
from minivision.data.images import BrokenFileError
from minivision.data.records import ImageRecord, ObjectRecord, Recorded
from minivision.data.text import are_numbers, peek, read_json

__all__ = ["VISUAL_GENOME", "VisualGenome"]

NAME = "region_descriptions"
BEGINNING = 1 << 16  # bytes of a file that tell whether it is one
REGION = "region"  # the only class


class VisualGenome(Recorded):
    """Images with regions and phrases, of which only some images need be there.

    Parameters
    ----------
    root : path
        ``region_descriptions.json``, or a folder with it. Images are called by their numbers, such as
        ``VG_100K/2.jpg``, anywhere beside it.
    split : str
        Images are divided as by `one_split`.
    skip_broken : bool
        As in `Recorded`.
    """

    has_captions = True

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        path = _file(Path(root))
        if path is None:
            _refuse_broken(Path(root))
            raise FileNotFoundError(f"{root} has no {NAME}.json of Visual Genome")
        images = {each.stem: each for each in walk(path.parent, IMAGE_SUFFIXES)}
        records: list[ImageRecord] = []
        broken: list[BrokenFileError] = []
        for number, entry in enumerate(_entries(path)):
            try:
                name = _name_of(entry, number, path)
                if name in images:
                    records.append(ImageRecord(images[name], None, _regions(entry, name, path), source=path))
            except BrokenFileError as error:
                if not skip_broken:
                    raise
                broken.append(error)
        if not records and not broken:
            raise FileNotFoundError(
                f"{path}: none of its images is there; they should be called by their ids, as 2.jpg"
            )
        chosen = one_split(records, split, path, lambda record: record.path.name)
        super().__init__(chosen, [REGION], source=path, broken=broken, skip_broken=skip_broken)


def _file(root):
    """Return the file of regions in a folder, or the file itself; None if there is none."""
    if root.is_file():
        return root if _is_one(root) else None
    found = sorted(path for path in walk(root, [".json"], depth=2) if path.stem.startswith(NAME) and _is_one(path))
    return found[0] if found else None


def _refuse_broken(root):
    """Raise BrokenFileError if there is a file of that name, which is not one of regions, with the reason."""
    files = [root] if root.is_file() else walk(root, [".json"], depth=2)
    for path in files:
        if path == root or path.stem.startswith(NAME):
            _entries(path)  # says what is wrong with its JSON
            raise BrokenFileError(path, "expected a list of images, each with an id and regions")


def _is_one(path):
    start = peek(path, BEGINNING).lstrip()
    return start.startswith(b"[") and b'"regions"' in start and (b'"phrase"' in start or b'"region_id"' not in start)


def _entries(path):
    content = read_json(path)
    if not isinstance(content, list):
        raise BrokenFileError(path, f"expected a list of images, got {type(content).__name__}")
    return content


def _name_of(entry, number, path):
    """Return the name of an image: its id."""
    value = entry.get("id", entry.get("image_id")) if isinstance(entry, Mapping) else None
    if type(value) not in (int, str) or not isinstance(entry.get("regions"), list):
        raise BrokenFileError(path, f"entry {number + 1}: expected an image with id and regions, got {entry!r:.60}")
    return str(value)


def _regions(entry, name, path):
    return [_region(each, f"region {number + 1} of image {name}", path) for number, each in enumerate(entry["regions"])]


def _region(each: Any, where: str, path: Path) -> ObjectRecord:
    if not isinstance(each, Mapping) or not isinstance(each.get("phrase"), str):
        raise BrokenFileError(path, f"{where} has no phrase: {each!r:.60}")
    place = [each.get(key) for key in ("x", "y", "width", "height")]
    if not are_numbers(place):
        raise BrokenFileError(path, f"{where}: x, y, width and height should be numbers, got {place}")
    x, y, width, height = map(float, place)  # type: ignore[arg-type]  # they are numbers
    phrase = " ".join(each["phrase"].split())
    return ObjectRecord(REGION, (x, y, x + width, y + height), captions=(phrase,) if phrase else ())


def recognize(root: Path) -> Found | None:
    """Recognize the file by its name and its beginning."""
    path = _file(root)
    return None if path is None else Found("visual-genome", (), path.name)


VISUAL_GENOME = Format(
    "visual-genome",
    "Visual Genome's regions",
    f"{NAME}.json, and images that are called by their ids",
    recognize,
    VisualGenome,
)
