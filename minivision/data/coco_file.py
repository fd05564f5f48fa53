"""Reading a JSON file of COCO annotations: every entry is checked, and a wrong one says where it stands."""

from __future__ import annotations

import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from minivision.core.types import Size
from minivision.data.class_names import check_class_names, is_background
from minivision.data.images import BrokenFileError
from minivision.data.problems import MendedWarning
from minivision.data.text import are_numbers, is_number, read_json

__all__ = ["Annotation", "CocoFile", "ImageEntry", "read_coco_file"]

MIN_CORNERS = 3  # of a polygon
_LONGEST_NAME = 255  # bytes of a file's name without its folders


class ImageEntry(NamedTuple):
    """An image as the file describes it; `size` is None where the file does not have it."""

    id: Any
    file_name: str
    size: Size | None


class Annotation(NamedTuple):
    """One object. `box` is COCO's ``x, y, width, height``; `segmentation` is polygons, run lengths or None."""

    id: Any
    category: int
    label: int
    box: tuple[float, ...]
    crowd: bool
    area: float | None
    segmentation: Any
    keypoints: Sequence[float] | None


class CocoFile(NamedTuple):
    """The content of a file.

    Attributes
    ----------
    classes : tuple of str
        Label ``i + 1`` is the category with the i-th smallest id.
    category_ids : dict
        Id of a category -> its label.
    keypoint_names : tuple of str
    images : list of ImageEntry
    annotations : dict
        Id of an image -> its annotations.
    broken : dict
        Id of an image -> the error of its entry, or of the first annotation of it that cannot be used. Entries without
        an image that is listed have an id that no image has.
    """

    classes: tuple[str, ...]
    category_ids: dict[Any, int]
    keypoint_names: tuple[str, ...]
    images: list[ImageEntry]
    annotations: dict[Any, list[Annotation]]
    broken: dict[Any, BrokenFileError]


def read_coco_file(path: Path, *, annotated: bool = True) -> CocoFile:
    """Read and check a file of annotations.

    An entry that concerns one image alone makes that image broken; what concerns all images is an error at once.

    Parameters
    ----------
    path : path
    annotated : bool
        Whether a file without a list of annotations, as for the images of COCO's test set, is an error.

    Raises
    ------
    BrokenFileError
        If the file is no JSON, has no lists of images, annotations and categories, or if ids or names are not
        usable: ids that occur twice, an annotation for an image that is not listed.
    """
    data = read_json(path)
    if isinstance(data, dict) and not annotated:
        data.setdefault("annotations", [])
    for key in ("images", "annotations", "categories"):
        if not isinstance(data, dict) or not isinstance(data.get(key), list):
            raise BrokenFileError(path, f"it has no list {key!r}, as COCO's files for objects have")
    classes, category_ids, keypoint_names = _read_categories(path, data["categories"])
    images, broken = _read_images(path, data["images"])
    annotations: dict[Any, list[Annotation]] = {image.id: [] for image in images}
    reader = _AnnotationReader(path, category_ids, len(keypoint_names))
    for number, entry in enumerate(data["annotations"]):
        where, image = f"annotation number {number}", ("annotation", number)
        try:
            _check_is_dict(path, "annotations", number, entry)
            where = f"annotation {entry.get('id', f'number {number}')!s:.60}"
            given = entry.get("image_id")
            if not _is_id(given) or given not in annotations and given not in broken:
                raise BrokenFileError(path, f"{where} is for image {given!r:.60}, not listed")
            image = given
            if image not in broken:
                annotations[image].append(reader.read(entry, where))
        except BrokenFileError as error:
            broken.setdefault(image, error)
    if reader.flat:
        polygons = "1 polygon" if reader.flat == 1 else f"{reader.flat} polygons"
        warnings.warn(f"{path}: left out {polygons} of fewer than {MIN_CORNERS} corners", stacklevel=4)
    return CocoFile(classes, category_ids, keypoint_names, images, annotations, broken)


def _read_categories(path, entries):
    """Return the classes, the labels by id, and the names of the joints."""
    by_id = {}
    for position, entry in enumerate(entries):
        _check_is_dict(path, "categories", position, entry)
        number = entry.get("id")
        if not isinstance(number, int) or isinstance(number, bool):
            raise BrokenFileError(path, f"a category has the id {number!r:.60}; ids of categories are integers")
        if number in by_id:
            raise BrokenFileError(path, f"two categories have the id {number}: objects would get the wrong class")
        by_id[number] = entry
    names, labels, merged = [], {}, {}
    for number in sorted(by_id):
        name = by_id[number].get("name")
        if isinstance(name, str) and is_background(name):
            continue  # an annotation of it is refused
        if name in names:
            merged.setdefault(name, [next(key for key in labels if by_id[key]["name"] == name)]).append(number)
        else:
            names.append(name)
        labels[number] = names.index(name) + 1
    for name, numbers in merged.items():
        shown = " and ".join(map(str, numbers))
        warnings.warn(f"{path}: the categories {shown} are all called {name!r}; they are one class here", stacklevel=5)
    return check_class_names(path, names), labels, _read_keypoint_names(path, by_id)


def _read_keypoint_names(path, by_id):
    named = {number: by_id[number]["keypoints"] for number in sorted(by_id) if by_id[number].get("keypoints")}
    for number, names in named.items():
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise BrokenFileError(path, f"keypoints of category {number} should be a list of names, got {names!r:.60}")
    different = sorted({tuple(names) for names in named.values()})
    if len(different) > 1:
        warnings.warn(
            f"{path}: the categories {', '.join(map(str, named))} have different joints, and a model has one list of "
            "joints, so none is read; keep the joints of one category",
            stacklevel=5,
        )
        return ()
    return different[0] if different else ()


def _read_images(path, entries):
    """Return the entries of the images, and errors of those that cannot be used, by id."""
    images, broken, seen = [], {}, {}
    for position, entry in enumerate(entries):
        number = ("image", position)
        try:
            _check_is_dict(path, "images", position, entry)
            if not _is_id(entry.get("id")):
                reason = f"image {position} of the list has the id {entry.get('id')!r:.60}, not a number or text"
                raise BrokenFileError(path, reason)
            number = entry["id"]
        except BrokenFileError as error:
            broken[number] = error
            continue
        if number in seen:
            first, second = seen[number].get("file_name"), entry.get("file_name")
            raise BrokenFileError(
                path, f"two images have the id {number!r}: {first!r} and {second!r}; each needs an id of its own"
            )
        seen[number] = entry
        name = entry.get("file_name")
        try:
            if not isinstance(name, str) or not name.strip():
                raise BrokenFileError(path, f"image {number!r} has no file_name, got {name!r:.60}")
            if not _names_a_file(name):
                raise BrokenFileError(path, f"no file can have the file_name of image {number!r}, {name!r:.60}")
            height, width = (_side(path, number, entry, key) for key in ("height", "width"))
        except BrokenFileError as error:
            broken[number] = error
            continue
        images.append(ImageEntry(number, name, (height, width) if height and width else None))
    _warn_about_twins(path, images)
    return images, broken


def _warn_about_twins(path, images):
    """Warn of files that are listed more than once, as in merged annotations: each entry has a part of the objects."""
    counts = Counter(image.file_name for image in images)
    twins = [name for name, count in counts.items() if count > 1]
    if twins:
        warnings.warn(
            f"{path}: file names that are listed more than once: {len(twins)}, such as {twins[0]!r}. Each entry has "
            "only its own annotations, so objects of the others are taken for background; give them one id",
            MendedWarning,
            stacklevel=5,
        )


def _side(path, number, entry, key):
    """Return a side of an image in pixels, or None where the file does not know it (missing, null, 0)."""
    side = entry.get(key)
    if side is None or side == 0:
        return None
    if not is_number(side) or side < 0 or side != int(side):
        raise BrokenFileError(path, f"{key} of image {number!r} should be a number of pixels, got {side!r:.60}")
    return int(side)


class _AnnotationReader:
    """Checks annotations; counts the polygons that are left out because they have no area."""

    def __init__(self, path, labels, num_joints):
        self.path, self.labels, self.num_joints = path, labels, num_joints
        self.flat = 0

    def read(self, entry, where):
        category = entry.get("category_id")
        if not _is_id(category) or category not in self.labels:
            raise BrokenFileError(self.path, f"{where} is of category {category!r:.60}, not listed as a class")
        box = entry.get("bbox")
        if not isinstance(box, list) or len(box) != 4 or not are_numbers(box):
            raise BrokenFileError(self.path, f"{where} has no bbox of four numbers, got {box!r:.60}")
        crowd = entry.get("iscrowd") or 0
        if crowd not in (0, 1):
            raise BrokenFileError(self.path, f"iscrowd of {where} should be 0 or 1, got {crowd!r:.60}")
        area = entry.get("area")
        area = float(area) if is_number(area) and area >= 0 else None
        segmentation = self._segmentation(entry.get("segmentation"), where)
        keypoints = self._keypoints(entry.get("keypoints"), where)
        numbers = tuple(map(float, box))
        label = self.labels[category]
        return Annotation(entry.get("id"), category, label, numbers, bool(crowd), area, segmentation, keypoints)

    def _segmentation(self, value, where):
        """Return polygons of three corners or more, run lengths, or None."""
        if not value:
            return None
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            value = value[0]
        if isinstance(value, dict):
            if not {"size", "counts"} <= value.keys():
                raise BrokenFileError(self.path, f"segmentation of {where}: run lengths need 'size' and 'counts'")
            return value
        if not isinstance(value, list):
            raise BrokenFileError(self.path, f"segmentation of {where}: expected a list of polygons, got {value!r:.60}")
        if are_numbers(value):
            value = [value]  # one polygon without its pair of brackets
        elif len(value) >= MIN_CORNERS and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
            value = [[number for pair in value for number in pair]]  # corners as pairs
        polygons = []
        for polygon in value:
            if not isinstance(polygon, list) or len(polygon) % 2 or not are_numbers(polygon):
                raise BrokenFileError(
                    self.path,
                    f"segmentation of {where}: a polygon is a list of numbers x1, y1, x2, y2, ..., got {polygon!r:.60}",
                )
            if len(polygon) >= 2 * MIN_CORNERS:
                polygons.append(polygon)
            else:
                self.flat += 1
        return polygons or None

    def _keypoints(self, value, where):
        if not value or not self.num_joints:
            return None
        if not isinstance(value, list) or not are_numbers(value):
            raise BrokenFileError(self.path, f"keypoints of {where} should be a list of numbers, got {value!r:.60}")
        if len(value) != 3 * self.num_joints:
            raise BrokenFileError(self.path, f"{where} has {len(value) / 3:g} joints, not {self.num_joints}")
        return value


def _is_id(value):
    return isinstance(value, int | str) and not isinstance(value, bool)


def _check_is_dict(path, key, number, entry):
    if not isinstance(entry, dict):
        raise BrokenFileError(path, f"entry {number} of {key!r} should be an object {{...}}, got {entry!r:.60}")


def _names_a_file(name):
    """Return whether a file system can have such a name."""
    try:
        parts = [os.fsencode(part) for part in name.replace("\\", "/").split("/")]
    except UnicodeEncodeError:
        return False
    return "\0" not in name and max(map(len, parts)) <= _LONGEST_NAME
