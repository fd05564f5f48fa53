"""CVAT's XML for images, version 1.1 (https://docs.cvat.ai/docs/other/xml_format, as of CVAT 2.49).

Places are in pixels from the upper left corner of the image; pixel ``i`` covers ``[i, i + 1)``. ``rotation`` turns a
box or an ellipse clockwise about its center, in degrees. The run lengths of a mask go row by row through the rectangle
``left, top, width, height``, zeros first. A point of a skeleton may be ``outside``: it is not there; or ``occluded``.
"""

from __future__ import annotations

import os
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from minivision.data.class_names import is_background
from minivision.data.files import find_file, is_hidden, one_split, split_name
from minivision.data.formats.cvat_labels import Labels, read_labels
from minivision.data.formats.format import Format, Found
from minivision.data.formats.regions import ellipse, mask_of_rows, place, rectangle, turn, union
from minivision.data.images import BrokenFileError
from minivision.data.records import ImageRecord, ObjectRecord, Recorded
from minivision.data.text import peek, read_xml

__all__ = ["CVAT", "Cvat"]

AREAS = ("box", "polygon", "mask", "ellipse", "skeleton")
WITHOUT_AREA = ("polyline", "points", "cuboid")
ALL_IN_ONE = ("annotations", "default")  # names of files that hold all splits
BEGINNING = 1 << 12  # bytes of a file that tell whether it is of CVAT


class Cvat(Recorded):
    """Images with boxes, masks and joints from CVAT's XML files for images.

    Parameters
    ----------
    root : path
        A folder with ``annotations.xml``, or with a file for each split, such as ``train.xml``; or one file. The images
        are in ``images/``, ``images/SPLIT/`` or beside it.
    split : str
        The name of a file, or the ``subset`` of images. Without these, images are divided as by `one_split`.
    skip_broken : bool
        As in `Recorded`.

    Notes
    -----
    The classes are the labels in the order of the file. Plain boxes have no mask; turned ones are the turned rectangle,
    with the box around it. Polygons, ellipses and masks of one label and one ``group_id`` are one object. Skeletons
    have the joints of their label; their box is that around the joints. Lines, points and cuboids are left out, with a
    warning; tags are not read.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        files = _files(Path(root))
        labels, reader = Labels(), _Reader()
        found: list[tuple[str | None, ImageRecord | BrokenFileError, str]] = []
        for path in files:
            content = _content(path)
            labels.add(read_labels(path, content))
            subset = None if len(files) == 1 or path.stem in ALL_IN_ONE else path.stem
            found += reader.read(path, content, subset, labels)
        labels.warn_about_joints(Path(root))
        chosen = _choose(found, split, Path(root))
        if reader.left_out:
            shown = ", ".join(f"{count} {kind}" for kind, count in sorted(reader.left_out.items()))
            warnings.warn(f"{root}: left out shapes that are no objects with an area: {shown}", stacklevel=3)
        records = [each for each in chosen if isinstance(each, ImageRecord)]
        broken = [each for each in chosen if isinstance(each, BrokenFileError)]
        names = labels.names or sorted(reader.names)
        super().__init__(records, names, labels.joints, source=root, broken=broken, skip_broken=skip_broken)


def _choose(found, split, root):
    """Return what belongs to a split: by the subsets of the images, else by their names."""
    subsets = sorted({split_name(subset) for subset, _, _ in found if subset is not None})
    if subsets in ([], ["default"]) or split == "all":
        items = one_split([(name, each) for _, each, name in found], split, root, lambda item: item[0])
        return [each for _, each in items]
    if split_name(split) not in subsets:
        raise FileNotFoundError(f"{root} has no subset {split!r}; those that are there: {', '.join(subsets)}")
    return [each for subset, each, _ in found if subset is not None and split_name(subset) == split_name(split)]


def _files(root):
    """Return the XML files of CVAT, the one with all splits alone where it is there."""
    if root.is_file():
        return [root]
    files = sorted(path for path in root.glob("*.xml") if not is_hidden(path) and _is_cvat(path))
    whole = [path for path in files if path.stem in ALL_IN_ONE]
    if not files:
        raise FileNotFoundError(f"{root} has no annotations.xml of CVAT, and no other XML file of its format")
    return whole[:1] or files


def _is_cvat(path):
    return b"<annotations>" in peek(path, BEGINNING)


def _content(path):
    root = read_xml(path)
    if root.tag != "annotations":
        raise BrokenFileError(path, f"its outermost element is <{root.tag}>, not <annotations> as in CVAT's files")
    if root.find("track") is not None:
        raise BrokenFileError(
            path, "it has tracks of a video, not images; export it again as 'CVAT for images 1.1', with images"
        )
    return root


class _Reader:
    """Reads images; counts the shapes that are left out."""

    def __init__(self):
        self.names: set[str] = set()
        self.left_out: Counter[str] = Counter()

    def read(self, path, content, subset, labels):
        """Return subset, record or error, and name of each image of a file."""
        found = []
        for number, element in enumerate(content.findall("image")):
            name = element.get("name") or ""
            part = element.get("subset") or subset
            try:
                found.append((part, self._image(path, number, element, part, labels), name))
            except BrokenFileError as error:
                found.append((part, error, name or str(number)))
        return found

    def _image(self, path, number, element, subset, labels):
        name = element.get("name")
        if not name or not name.strip():
            raise BrokenFileError(path, f"<image> number {number} has no name")
        size = (_integer(path, name, element, "height", 1), _integer(path, name, element, "width", 1))
        images = path.parent / "images"
        folders = [images / subset] if subset and (images / subset).parent == images else []
        image = find_file(name, [*folders, images, path.parent])
        objects, groups = [], {}
        for shape in element:
            if shape.tag in WITHOUT_AREA:
                self.left_out[shape.tag] += 1
            if shape.tag not in AREAS or shape.get("outside") == "1":
                continue
            label = (shape.get("label") or "").strip()
            where = f"a <{shape.tag}> of image {name!r:.80}"
            if not label:
                raise BrokenFileError(path, f"{where} has no label")
            if is_background(label):
                self.left_out[f"{shape.tag} called {label}"] += 1
                continue
            self.names.add(label)
            record = self._object(path, where, shape, label, size, labels)
            group = shape.get("group_id")
            if group is None or record.polygons is None and record.mask is None:
                objects.append(record)
            else:
                groups.setdefault((label, group), []).append(record)
        objects += [_join(path, name, label, parts, size) for (label, _), parts in groups.items()]
        return ImageRecord(image, size, objects, source=path)

    def _object(self, path, where, shape, label, size, labels):
        if shape.tag == "box":
            corners = _numbers(path, where, shape, "xtl", "ytl", "xbr", "ybr")
            degrees = _rotation(path, where, shape)
            if not degrees % 360:
                return ObjectRecord(label, corners)
            x1, y1, x2, y2 = corners
            return ObjectRecord(label, polygons=(turn(rectangle(*corners), ((x1 + x2) / 2, (y1 + y2) / 2), degrees),))
        if shape.tag == "ellipse":
            x, y, across, down = _numbers(path, where, shape, "cx", "cy", "rx", "ry")
            points = ellipse((x, y), (across, down), _rotation(path, where, shape))
            return ObjectRecord(label, polygons=(points,))
        if shape.tag == "polygon":
            return ObjectRecord(label, polygons=(_points(path, where, shape),))
        if shape.tag == "skeleton":
            return _skeleton(path, where, shape, label, labels.joints)
        return ObjectRecord(label, mask=_mask(path, where, shape, size))


def _join(path, name, label, parts, size):
    """Return the object of several polygons and masks."""
    polygons = tuple(polygon for part in parts for polygon in part.polygons or ())
    masks = [part.mask for part in parts if part.mask is not None]
    if not masks:
        return ObjectRecord(label, polygons=polygons)
    try:
        return ObjectRecord(label, mask=union(polygons, masks, size))
    except ValueError as error:
        raise BrokenFileError(path, f"the shapes of one group_id of image {name!r:.80}: {error}") from error


def _skeleton(path, where, shape, label, joints):
    """Return a skeleton with the box around its joints; without the joints where labels have different ones."""
    keypoints, places = np.zeros((len(joints), 3)), []
    for point in shape.findall("points"):
        name = (point.get("label") or "").strip()
        if joints and name not in joints:
            raise BrokenFileError(path, f"{where} has the joint {name!r:.60}, not one of {', '.join(joints)}")
        if point.get("outside") == "1":
            continue
        x, y = _points(path, where, point)[0]
        places.append((x, y))
        if joints:
            keypoints[joints.index(name)] = (x, y, 1 if point.get("occluded") == "1" else 2)
    box = (*np.min(places, axis=0).tolist(), *np.max(places, axis=0).tolist()) if places else None
    return ObjectRecord(label, box, keypoints=keypoints if joints else None)


def _mask(path, where, shape, size):
    left, top = (_integer(path, where, shape, key, 0) for key in ("left", "top"))
    height, width = (_integer(path, where, shape, key, 1) for key in ("height", "width"))
    text = shape.get("rle") or ""
    try:
        counts = [int(count) for count in text.split(",")]
        return place(mask_of_rows(counts, (height, width)), left, top, size)
    except (ValueError, OverflowError) as error:
        raise BrokenFileError(path, f"the run lengths (rle) of {where}: {error}") from error


def _points(path, where, shape):
    """Return ``x1,y1;x2,y2;...`` as an array ``(N, 2)``."""
    text = shape.get("points") or ""
    try:
        points = np.array([[float(number) for number in pair.split(",")] for pair in text.split(";")])
        if points.shape[1:] != (2,):
            raise ValueError("each should be x,y")
        return points
    except ValueError as error:
        raise BrokenFileError(path, f"the points of {where}, {text[:60]!r}: {error}") from error


def _numbers(path, where, shape, *keys):
    values = []
    for key in keys:
        text = shape.get(key)
        try:
            values.append(float(text))
        except (TypeError, ValueError) as error:
            raise BrokenFileError(path, f"{key} of {where} should be a number, got {text!r:.60}") from error
    return tuple(values)


def _rotation(path, where, shape):
    degrees = _numbers(path, where, shape, "rotation")[0] if shape.get("rotation") else 0.0
    if not abs(degrees) < 1e6:
        raise BrokenFileError(path, f"rotation of {where} should be degrees, got {degrees:g}")
    return degrees


def _integer(path, where, shape, key, least):
    text: Any = shape.get(key)
    try:
        number = int(text)
    except (TypeError, ValueError):
        number = least - 1
    if not least <= number < 1 << 31:
        raise BrokenFileError(path, f"{key} of {where} should be an integer from {least} on, got {text!r:.60}")
    return number


def recognize(root: Path) -> Found | None:
    """Recognize XML files that begin with ``<annotations>``."""
    if root.is_file():
        return Found("cvat", (), root.name) if root.suffix.lower() == ".xml" and _is_cvat(root) else None
    try:
        files = _files(root)
    except FileNotFoundError:
        return None
    splits = tuple(sorted(split_name(path.stem) for path in files)) if len(files) > 1 else _subsets(files[0])
    return Found("cvat", splits, files[0].name)


def _subsets(path):
    """Return the names of the parts that the beginning of a file lists, as that of a project does."""
    text = peek(path, BEGINNING).decode("utf-8", "replace")
    listed = text.partition("<subsets>")[2].partition("</subsets>")[0].split("\n")
    return tuple(sorted({split_name(name.strip()) for name in listed if name.strip()} - {"default"}))


CVAT = Format(
    "cvat",
    "CVAT for images",
    "annotations.xml, or NAME.xml, that begins with <annotations> and has an <image> for each image",
    recognize,
    Cvat,
)
