"""labelme's JSON, a file for each image (https://github.com/wkentaro/labelme, labelme/_label_file.py, version 6.3.1).

Places are ``x, y`` in pixels from the upper left corner of the image; pixel ``i`` covers ``[i, i + 1)``. A circle is
its center and a point of its line. A mask's two points are its first and its last pixel, both included. Shapes of one
label and one ``group_id`` are one object. X-AnyLabeling writes the same files, with ``rotation`` for turned rectangles.
"""

from __future__ import annotations

import base64
import binascii
import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from minivision.core.types import Array, Size
from minivision.data.class_names import is_background, is_ignored, listed_classes
from minivision.data.files import find_file, walk
from minivision.data.formats.format import Format, Found
from minivision.data.formats.regions import ellipse, place, rectangle, union
from minivision.data.formats.splitting import choose_split, folders_of_splits
from minivision.data.images import BrokenFileError, image_size, read_image, read_index_map
from minivision.data.records import ImageRecord, ObjectRecord, Recorded
from minivision.data.text import is_number, read_json

__all__ = ["LABELME", "Labelme"]

CORNERS = {"polygon": 3, "rotation": 4, "oriented_rectangle": 4, "quadrilateral": 4}  # shape -> at least so many
WITHOUT_AREA = ("point", "points", "line", "linestrip", "lines")
CROWD_FLAGS = ("crowd", "iscrowd", "difficult")
MAX_IMAGE = 256 << 20  # letters of an image within a file
FIRST_FILES = 3  # that are looked at to recognize a folder


class _Part(NamedTuple):
    """A shape: one of a box, a polygon and run lengths."""

    box: tuple[float, float, float, float] | None = None
    polygon: Array | None = None
    mask: dict[str, Any] | None = None


class Labelme(Recorded):
    """Images with one of labelme's JSON files each, some of which have the image within them.

    Parameters
    ----------
    root : path
        A folder; files in subfolders count too. Where its folders are called ``train``, ``val`` and so on, they are the
        splits.
    split : str
    skip_broken : bool
        As in `Recorded`.

    Notes
    -----
    The classes are the lines of ``labels.txt``, ``classes.txt`` or ``class_names.txt``, else all labels in the order of
    the alphabet. Rectangles are boxes without a mask. Points and lines are left out, with a warning, and so are shapes
    of the background and ``__ignore__``. A shape whose flag ``crowd``, ``iscrowd`` or ``difficult`` is set is a crowd.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        folder, reader = Path(root), _Reader()
        results: list[tuple[Path, ImageRecord | BrokenFileError]] = []
        for path in walk(folder, [".json"]):
            try:
                record = reader.read(path)
            except BrokenFileError as error:
                results.append((path, error))
            else:
                if record is not None:
                    results.append((path, record))
        chosen = [result for _, result in choose_split(folder, results, split, lambda item: item[0])]
        records = [each for each in chosen if isinstance(each, ImageRecord)]
        broken = [each for each in chosen if isinstance(each, BrokenFileError)]
        if reader.left_out:
            shown = ", ".join(f"{count} {kind}" for kind, count in sorted(reader.left_out.items()))
            warnings.warn(f"{folder}: left out shapes that are no objects with an area: {shown}", stacklevel=3)
        names = (listed_classes(folder, reader.labels) or ("background", *sorted(reader.labels)))[1:]
        super().__init__(records, names, source=folder, broken=broken, skip_broken=skip_broken)

    def image_sizes(self) -> list[Size]:
        return [record.size or _size_of(record.path) for record in self._entries]

    def _image(self, record):
        return read_image(record.path, record.size, _content(record.path))


def _content(path):
    """Return the image that is within a JSON file, None for an image file."""
    if path.suffix.lower() != ".json":
        return None
    text = read_json(path).get("imageData")
    return _decode(path, "imageData", text, MAX_IMAGE)


def _size_of(path):
    return image_size(path, _content(path))


def _decode(path, key, text, limit):
    """Return the bytes of a base64 text."""
    if not isinstance(text, str):
        raise BrokenFileError(path, f"its {key} should be a base64 text, got {text!r:.60}")
    if len(text) > limit:
        raise BrokenFileError(path, f"its {key} has {len(text)} letters, more than {limit}; save the image as a file")
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise BrokenFileError(path, f"its {key} is no base64 text: {error}") from error


class _Reader:
    """Reads files; collects the labels, and counts the shapes that are left out."""

    def __init__(self):
        self.labels: set[str] = set()
        self.left_out: Counter[str] = Counter()

    def read(self, path):
        """Return what a file says, None if it is not labelme's."""
        content = read_json(path)
        if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
            return None
        size = self._size(path, content)
        image = self._image_path(path, content)
        groups: dict[Any, list[tuple[_Part, bool]]] = {}
        for number, shape in enumerate(content["shapes"]):
            where = f"shape {number} ('shapes')"
            if not isinstance(shape, dict):
                raise BrokenFileError(path, f"{where} should be an object {{...}}, got {shape!r:.60}")
            label = shape.get("label")
            if not isinstance(label, str) or not label.strip():
                raise BrokenFileError(path, f"{where} has no label, got {label!r:.60}; give it one")
            part = self._part(path, where, shape, label, size, image)
            if part is None:
                continue
            self.labels.add(label)
            group = shape.get("group_id")
            if group is not None and not isinstance(group, int | str):
                raise BrokenFileError(path, f"{where} has the group_id {group!r:.60}; it should be an integer")
            flags = shape.get("flags")
            crowd = isinstance(flags, dict) and any(flags.get(flag) is True for flag in CROWD_FLAGS)
            key = (label, number, None) if group is None else (label, None, group)
            groups.setdefault(key, []).append((part, crowd))
        objects = [self._join(path, key[0], parts, size, image) for key, parts in groups.items()]
        return ImageRecord(image, size, objects, source=path)

    def _size(self, path, content):
        sides = [content.get("imageHeight"), content.get("imageWidth")]
        for key, side in zip(("imageHeight", "imageWidth"), sides, strict=True):
            if side is not None and (not is_number(side) or side <= 0 or side != int(side)):
                raise BrokenFileError(path, f"its {key} should be a number of pixels, got {side!r:.60}")
        return None if None in sides else (int(sides[0]), int(sides[1]))

    def _image_path(self, path, content):
        """Return the image file, or the JSON file itself where the image is within it alone."""
        name = content.get("imagePath")
        embedded = content.get("imageData")
        if not isinstance(name, str) or not name.strip():
            if embedded:
                return path
            raise BrokenFileError(path, f"it has no imagePath and no imageData, got {name!r:.60}")
        image = find_file(name, [path.parent])
        return path if embedded and not os.path.isfile(image) else image

    def _part(self, path, where, shape, label, size, image):
        """Return the place of a shape, None if it is left out."""
        kind = shape.get("shape_type") or "polygon"
        if is_background(label) or is_ignored(label):
            self.left_out[f"called {label}"] += 1
            return None
        if kind in WITHOUT_AREA:
            self.left_out[kind] += 1
            return None
        points = _points(path, where, shape.get("points"))
        if kind == "rectangle":
            if len(points) not in (2, 4):
                raise BrokenFileError(path, f"{where} is a rectangle of {len(points)} points; it should have 2 or 4")
            return _Part(box=(*points.min(axis=0).tolist(), *points.max(axis=0).tolist()))
        if kind in ("circle", "mask") and len(points) != 2:
            raise BrokenFileError(path, f"{where} is a {kind} of {len(points)} points; it should have 2")
        if kind == "circle":
            radius = float(np.hypot(*(points[1] - points[0])))
            return _Part(polygon=ellipse(points[0], (radius, radius)))
        if kind == "mask":
            return _Part(mask=_mask(path, where, shape, points, size or _size_of(image)))
        if kind not in CORNERS:
            self.left_out[str(kind)] += 1
            return None
        if len(points) < CORNERS[kind]:
            raise BrokenFileError(path, f"{where} is a {kind} of {len(points)} points, fewer than {CORNERS[kind]}")
        return _Part(polygon=points)

    def _join(self, path, label, parts, size, image):
        """Return the object of the shapes of one group: rectangles count as polygons if any other shape is there."""
        crowd = any(flag for _, flag in parts)
        boxes = [part.box for part, _ in parts if part.box is not None]
        polygons = [part.polygon for part, _ in parts if part.polygon is not None]
        masks = [part.mask for part, _ in parts if part.mask is not None]
        if not polygons and not masks:
            low, high = np.min(boxes, axis=0)[:2], np.max(boxes, axis=0)[2:]
            return ObjectRecord(label, (*low.tolist(), *high.tolist()), crowd=crowd)
        polygons += [rectangle(*box) for box in boxes]
        if not masks:
            return ObjectRecord(label, polygons=tuple(polygons), crowd=crowd)
        if len(masks) == 1 and not polygons:
            return ObjectRecord(label, mask=masks[0], crowd=crowd)
        try:
            return ObjectRecord(label, mask=union(polygons, masks, size or _size_of(image)), crowd=crowd)
        except ValueError as error:
            raise BrokenFileError(path, f"shapes of one group_id called {label!r:.60}: {error}") from error


def _points(path, where, points):
    """Return points as an array ``(N, 2)``."""
    good = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 and all(map(is_number, point)) for point in points
    )
    if not good or not points:
        raise BrokenFileError(path, f"points of {where} should be a list of pairs [x, y], got {points!r:.60}")
    return np.array(points, float)


def _mask(path, where, shape, points, size):
    """Return the run lengths of a mask, which is a PNG of the pixels between its two points."""
    (left, top), (right, bottom) = points.astype(np.int64).tolist()
    content = _decode(path, f"mask of {where}", shape.get("mask"), MAX_IMAGE)
    expected = (bottom - top + 1, right - left + 1)
    actual = image_size(path, content)
    if actual != expected:
        raise BrokenFileError(
            path,
            f"the mask of {where} is {actual[0]}x{actual[1]} (height x width), but its points say "
            f"{expected[0]}x{expected[1]}",
        )
    try:
        return place(read_index_map(path, content=content) > 0, left, top, size)
    except ValueError as error:
        raise BrokenFileError(path, f"{where}: {error}") from error


def recognize(root: Path) -> Found | None:
    """Recognize JSON files that have ``shapes`` and ``imagePath``."""
    if not root.is_dir():
        return None
    paths = walk(root, [".json"])
    for _, path in zip(range(FIRST_FILES), paths, strict=False):
        try:
            content = read_json(path)
        except BrokenFileError:
            continue
        if isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content:
            return Found(
                "labelme", tuple(sorted(folders_of_splits(root))), f"{path.relative_to(root).as_posix()} with 'shapes'"
            )
    return None


LABELME = Format(
    "labelme", "labelme's JSON", "a JSON file with 'shapes' and 'imagePath' for each image", recognize, Labelme
)
