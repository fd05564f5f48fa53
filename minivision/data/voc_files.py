"""The text and XML files of a dataset in the format of PASCAL VOC: lists of images, classes, annotations."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from minivision.core.labels import IGNORE
from minivision.core.types import Size
from minivision.data.class_names import check_class_names, check_names_are_listed, is_background, listed_classes
from minivision.data.files import OTHER_NAMES, is_hidden
from minivision.data.images import BrokenFileError
from minivision.data.problems import MendedWarning, report
from minivision.data.text import read_lines, read_xml

__all__ = [
    "Annotation",
    "VocClasses",
    "VocObject",
    "files_by_name",
    "first_pixel",
    "read_annotation",
    "read_classes",
    "read_names",
]

FLAGS = ("-1", "0", "1")  # behind a name in the list of one class


class VocObject(NamedTuple):
    """An object as its file has it: ``xmin, ymin, xmax, ymax``."""

    name: str
    corners: tuple[float, float, float, float]
    difficult: bool


class Annotation(NamedTuple):
    """One XML file: its objects, and the size and the file name of the image, or None where it has none.

    ``objects[k]`` is None for an object without a box, which some tools write for polygons.
    """

    objects: list[VocObject | None]
    size: Size | None
    file_name: str | None = None


class VocClasses(NamedTuple):
    """Class names, the background first; and the labels by their color in label maps, where a file lists them."""

    names: tuple[str, ...]
    colors: dict[tuple[int, int, int], int] | None = None


def files_by_name(folder: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Return the files in a folder and its subfolders, by their path below it without suffix.

    The case of a suffix does not matter; of several suffixes the first one counts; hidden files are left out.
    """
    found: dict[str, Path] = {}
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes and not is_hidden(path))
    for path in sorted(files, key=lambda path: suffixes.index(path.suffix.lower())):
        found.setdefault(path.relative_to(folder).with_suffix("").as_posix(), path)
    return found


def read_names(root: Path, split: str, annotated: Collection[str], images: Mapping[str, Path]) -> list[str]:
    """Return the names of the images of a split.

    Parameters
    ----------
    root : path
    split : str
    annotated : collection of str
    images : dict of str to Path
        Names of annotations and of images. A line that is none of them may end with a flag, as in lists of one class.
    """
    lists = root / "ImageSets"
    path = lists / (f"{split}.txt" if "/" in split else f"Main/{split}.txt")
    others = (lists / "Main" / f"{name}.txt" for name in OTHER_NAMES.get(split, ()))
    path = next((each for each in (path, *others) if each.is_file()), path)
    if not path.is_file():
        if not (root / "ImageSets" / "Main").is_dir():
            raise FileNotFoundError(f"{root} is not a dataset in VOC's format: it has no folder 'ImageSets/Main'")
        splits = sorted(other.stem for other in (root / "ImageSets" / "Main").glob("*.txt") if not is_hidden(other))
        raise FileNotFoundError(f"{path} is missing; splits that are there: {', '.join(splits) or 'none'}")
    for folder in ("Annotations", "JPEGImages"):
        if not (root / folder).is_dir():
            raise FileNotFoundError(f"{root} is not a dataset in VOC's format: it has no folder {folder!r}")
    names = []
    for line in read_lines(path):
        name, _, flag = line.rpartition(" ") if " " in line else line.rpartition("\t")
        known = line in annotated or line in images
        names.append(name.strip() if not known and flag in FLAGS and name.strip() else line)
    twice = len(names) - len(set(names))
    if twice:
        for name, count in Counter(names).items():
            if count > 1:
                report("listed-twice", images.get(name, name), f"{count} lines of {path.name} name it")
        warnings.warn(f"{path}: left out {twice} lines that name an image once more", MendedWarning, stacklevel=4)
    return list(dict.fromkeys(names))


def read_classes(root: Path, annotated: set[str]) -> VocClasses:
    """Return the classes: those that a file lists, in its order, else the sorted names of the annotations.

    Raises
    ------
    BrokenFileError
        If a name cannot be used, or the file lacks one that the annotations have.
    """
    names = listed_classes(root, annotated)
    if names is not None:
        return VocClasses(names)
    path = root / "labelmap.txt"
    if not path.is_file():
        return VocClasses(check_class_names(root / "Annotations", sorted(annotated)))
    classes = read_labelmap(path)
    check_names_are_listed(path, classes.names, annotated)
    return classes


def read_labelmap(path: Path) -> VocClasses:
    """Read the lines ``name:red,green,blue:parts:actions`` of CVAT and Datumaro; a label is the number of its line."""
    names, colors = [], {}
    for line in read_lines(path):
        if line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        color = rest.partition(":")[0]
        if is_background(name):
            label = 0
        else:
            names.append(name)
            label = len(names)
        if color:
            try:
                red, green, blue = (int(number) for number in color.split(","))
            except ValueError as error:
                raise BrokenFileError(path, f"{color!r} should be three numbers: red,green,blue") from error
            colors[red, green, blue] = label
    if colors:
        colors.setdefault((0, 0, 0), 0)
        colors.setdefault((224, 224, 192), IGNORE)  # VOC's border
    return VocClasses(check_class_names(path, names), colors or None)


def first_pixel(folder: Path, objects: Sequence[VocObject]) -> int:
    """Return the number of the first pixel, as boxes count: 1, or 0 with a warning if a box begins there."""
    at_zero = sum(1 for each in objects if 0 in each.corners[:2])
    if at_zero:
        warnings.warn(
            f"{folder}: {at_zero} of {len(objects)} boxes begin at 0, so pixels are counted "
            "from 0 here, not from 1 as VOC does",
            stacklevel=4,
        )
    return 0 if at_zero else 1


def read_annotation(path: Path) -> Annotation:
    """Return the content of an annotation file.

    The file may be malicious, see `read_xml`.
    """
    root = read_xml(path)
    try:
        objects = [_read_object(each) for each in root.findall("object")]
        return Annotation(objects, _read_size(root.find("size")), (root.findtext("filename") or "").strip() or None)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise BrokenFileError(path, f"not an annotation of VOC's format: {error}") from error


def _read_size(element):
    sides = [] if element is None else [float(element.findtext(key) or 0) for key in ("height", "width")]
    return (int(sides[0]), int(sides[1])) if sides and all(0 < side < 1 << 31 for side in sides) else None


def _read_object(element):
    """Return the object of an XML element, None if it has no box."""
    name = (element.findtext("name") or "").strip()
    if not name:
        raise ValueError("an object has no name")
    if is_background(name):
        raise ValueError(f"an object has the class {name!r}, which means no object; rename the class")
    box = element.find("bndbox")
    if box is None:
        return None
    corners = {key: box.findtext(key) for key in ("xmin", "ymin", "xmax", "ymax")}
    missing = [key for key, text in corners.items() if text is None]
    if missing:
        raise ValueError(f"the bndbox of an object ({name}) has no {missing[0]}")
    x1, y1, x2, y2 = (float(text) for text in corners.values())
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise ValueError(f"the bndbox of an object ({name}) has a number that is not finite: {x1}, {y1}, {x2}, {y2}")
    return VocObject(name, (x1, y1, x2, y2), (element.findtext("difficult") or "0").strip() == "1")
