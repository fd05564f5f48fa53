"""Open Images' CSV files of boxes (https://storage.googleapis.com/openimages/web/download_v7.html, versions 4 to 7).

A line for each box: ``ImageID``, ``LabelName``, and ``XMin, XMax, YMin, YMax`` as shares of the image's width and
height; ``IsGroupOf`` is 1 for a group of objects. Another file has a line ``LabelName,DisplayName`` for each class.
"""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from minivision.data.files import IMAGE_SUFFIXES, OTHER_NAMES, split_name, walk
from minivision.data.formats.format import Format, Found
from minivision.data.images import BrokenFileError
from minivision.data.records import ImageRecord, ObjectRecord, Recorded

__all__ = ["OPEN_IMAGES", "OpenImages"]

BOXES, CLASSES = "annotations-bbox", "class-descriptions"  # in the names of the files
COLUMNS = ("ImageID", "LabelName", "XMin", "YMin", "XMax", "YMax")
OUTSIDE = 0.5  # of a side of the image: what lies further away is not in shares of it


class OpenImages(Recorded):
    """Images with boxes from CSV files of Open Images, of which only some images need be there.

    Parameters
    ----------
    root : path
        A folder that has, in it or in folders of it, ``SPLIT-annotations-bbox.csv`` (such as
        ``oidv6-train-annotations-bbox.csv``), ``class-descriptions*.csv``, and images that are called by their
        ``ImageID``, below a folder of the name of their split, if there are several splits.
    split : str
    skip_broken : bool
        As in `Recorded`.

    Notes
    -----
    The classes are those that the images that are there have in any split, in the order of the descriptions. Groups are
    crowds. Images without a box are left out, with a warning: which classes were looked for in them is not known here.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        folder = Path(root)
        tables = _tables(folder)
        if split_name(split) not in tables:
            shown = ", ".join(sorted(tables)) or "none"
            raise FileNotFoundError(f"{folder} has no {split}-{BOXES}.csv; splits that are there: {shown}")
        wanted, names = split_name(split), _descriptions(folder)
        images = _images(folder, set(tables))
        found: set[str] = set()
        broken: list[BrokenFileError] = []
        records: list[ImageRecord] = []
        for name, path in tables.items():
            objects, errors = _read_boxes(path, images[name], names)
            found.update(each.label for boxes in objects.values() for each in boxes)
            if name == wanted:
                broken = list(errors.values())
                kept = [key for key in images[name] if key in objects and key not in errors]
                records = [ImageRecord(images[name][key], None, objects[key], True, path) for key in kept]
                _warn_about_images(path, len(images[name]) - len({*objects, *errors}))
        if not images[wanted]:
            raise FileNotFoundError(f"{folder} has no images of split {split!r}; they should be called ImageID.jpg")
        classes = list(dict.fromkeys(name for name in names.values() if name in found))
        super().__init__(records, classes, source=tables[wanted], broken=broken, skip_broken=skip_broken)


def _warn_about_images(path, count):
    if count:
        warnings.warn(f"{path}: left out images without a box: {count}", stacklevel=4)


def _tables(root):
    """Return the files of boxes by the usual name of their split."""
    files = sorted(path for path in walk(root, [".csv"], depth=2) if BOXES in path.name)
    return {split_name(path.name.partition(f"-{BOXES}")[0].rpartition("-")[2]): path for path in files}


def _images(root, splits):
    """Return the images of each split by their names: those below a folder of its name, and those below none."""
    images: dict[str, dict[str, Path]] = {split: {} for split in splits}
    for path in walk(root, IMAGE_SUFFIXES):
        folders = {split_name(part) for part in path.relative_to(root).parts[:-1]} & {*splits, *OTHER_NAMES}
        for split in folders & splits if folders else splits:
            images[split].setdefault(path.stem, path)
    return images


def _rows(path) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of each line and its cells."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            for row in (rows := csv.reader(file)):
                yield rows.line_num, row
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise BrokenFileError(path, f"not a CSV file in UTF-8: {error}") from error


def _descriptions(root):
    """Return the names of the classes by their ``LabelName``."""
    path = next((path for path in walk(root, [".csv"], depth=2) if CLASSES in path.name), None)
    if path is None:
        raise FileNotFoundError(f"{root} has no {CLASSES}.csv, with a line LabelName,DisplayName for each class")
    names = {}
    for line, row in _rows(path):
        if row and row != ["LabelName", "DisplayName"]:
            if len(row) < 2 or not row[1].strip():
                raise BrokenFileError(path, f"line {line} should be LabelName,DisplayName, got {row!r:.80}")
            names[row[0]] = row[1].strip()
    return names


def _read_boxes(path, images, names):
    """Return the objects of the images that are there by their ``ImageID``, and errors."""
    rows = _rows(path)
    header = [cell.strip() for cell in next(rows, (1, []))[1]]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise BrokenFileError(path, f"its first line lacks the columns {', '.join(missing)}")
    image = header.index("ImageID")
    objects: dict[str, list[ObjectRecord]] = {}
    errors: dict[str, BrokenFileError] = {}
    for line, row in rows:
        if len(row) <= image or row[image] not in images:
            continue
        try:
            objects.setdefault(row[image], []).append(_object(dict(zip(header, row, strict=False)), names))
        except ValueError as error:
            errors.setdefault(row[image], BrokenFileError(path, f"line {line}: {error}"))
    return objects, errors


def _object(cells, names):
    label = cells.get("LabelName")
    if label not in names:
        raise ValueError(f"its LabelName {label!r:.60} is not in the descriptions of classes")
    sides = []
    for column in COLUMNS[2:]:
        text = cells.get(column, "")
        try:
            sides.append(float(text))
        except ValueError as error:
            raise ValueError(f"its {column} should be a share from 0 to 1, got {text!r:.60}") from error
        if not -OUTSIDE <= sides[-1] <= 1 + OUTSIDE:
            raise ValueError(f"its {column} should be a share from 0 to 1, got {text!r:.60}; is it in pixels?")
    x1, y1, x2, y2 = sides
    return ObjectRecord(names[label], (x1, y1, x2, y2), crowd=cells.get("IsGroupOf", "").strip() == "1")


def recognize(root: Path) -> Found | None:
    """Recognize files of boxes by their names."""
    tables = _tables(root) if root.is_dir() else {}
    if not tables:
        return None
    path = next(iter(tables.values()))
    return Found("open-images", tuple(sorted(tables)), path.relative_to(root).as_posix())


OPEN_IMAGES = Format(
    "open-images",
    "Open Images",
    f"SPLIT-{BOXES}.csv, {CLASSES}.csv, and images that are called by their ImageID",
    recognize,
    OpenImages,
)
