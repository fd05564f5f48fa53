"""YOLO's text files, as Ultralytics (https://docs.ultralytics.com/datasets/, release 8) and Darknet arrange them.

A text file for each image, one line for each object: the number of its class, then either ``x y width height`` of its
box (x and y of its center), or the corners ``x1 y1 x2 y2 ...`` of its polygon, or a box and the joints of a pose. All
are shares of the image's width and height. An image without a text file, or with an empty one, has no objects.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minivision.data.class_names import check_class_names
from minivision.data.dataset import keypoint_flip
from minivision.data.files import FileDataset, walk
from minivision.data.formats.format import Format, Found
from minivision.data.formats.yolo_labels import LabelReader, largest_class
from minivision.data.formats.yolo_layout import YoloLayout, find_layout, label_path
from minivision.data.images import BrokenFileError
from minivision.data.records import ImageRecord, ObjectRecord, Recorded

__all__ = ["YOLO", "open_split"]

MOST_CLASSES, MOST_JOINTS = 10_000, 1_000
LOOKS_FOR = (
    "data.yaml with names and train, obj.data, or text files beside images or in labels, with lines of a class and "
    "four numbers or more"
)


def recognize(root: Path) -> Found | None:
    """Recognize ``data.yaml``, ``obj.data``, or text files beside images whose lines are those of YOLO."""
    try:
        layout = find_layout(root)
    except BrokenFileError as error:
        return Found("yolo", (), error.path.name)  # opening it says what is wrong
    if layout is None:
        return None
    evidence = layout.source.name if layout.source.is_file() else "text files of labels"
    return Found("yolo", tuple(layout.splits) if layout.is_divided else (), evidence)


def open_split(root: Path, split: str, *, skip_broken: bool = False) -> FileDataset:
    """Open a split of a folder, or of a file such as ``data.yaml``."""
    layout = find_layout(root)
    if layout is None:
        raise FileNotFoundError(f"{root} is not a dataset in YOLO's format; it should have {LOOKS_FOR}")
    check_class_names(layout.source, layout.names or ())
    joints = _joint_shape(layout)
    joint_names = _joint_names(layout, joints[0]) if joints else ()
    images = layout.images(split)
    labels = _find_labels(layout, images)
    names = _names_of(layout, labels)
    reader = LabelReader(names, layout.source, joints)
    records, broken = [], []
    for image, path in zip(images, labels, strict=True):
        try:
            objects: Sequence[ObjectRecord] = reader.read(path) if path else ()
            records.append(ImageRecord(image, None, objects, relative=True, source=path))
        except BrokenFileError as error:
            broken.append(error)
            if not skip_broken:
                raise
    if reader.repeated:
        warnings.warn(f"{layout.source}: left out {reader.repeated} lines that stand above already", stacklevel=3)
    return Recorded(records, names, joint_names, source=layout.source, broken=broken, skip_broken=skip_broken)


def _find_labels(layout, images):
    """Return the text file of each image, None for images without one."""
    labels = [label_path(image, layout.folders) for image in images]
    if not any(labels):  # in a folder of another name: one file of the name of the image, anywhere in the set
        by_stem: dict[str, list[Path]] = {}
        for path in walk(layout.folders[-1], [".txt"], depth=8):
            by_stem.setdefault(path.stem, []).append(path)
        found = [by_stem.get(image.stem, []) for image in images]
        labels = [each[0] if len(each) == 1 else None for each in found]
    if not any(labels):
        raise BrokenFileError(
            layout.source,
            f"none of the {len(images)} images has a text file of labels; that of {images[0]} should be "
            f"{images[0].stem}.txt beside it, or in a folder labels where it is in images",
        )
    return labels


def _names_of(layout: YoloLayout, labels: Sequence[Path | None]) -> Sequence[Any]:
    """Return the names of the classes; where nothing tells them, of all numbers up to the largest one of all splits."""
    if layout.names is not None:
        return layout.names
    paths = set(labels)
    for split in layout.splits:
        paths.update(label_path(image, layout.folders) for image in layout.images_of(split))
    largest = max((largest_class(path) for path in paths if path), default=-1)
    if largest >= MOST_CLASSES:
        raise BrokenFileError(layout.source, f"its largest class is {largest}; name the classes in data.yaml")
    return [f"class_{number}" for number in range(largest + 1)]


def _joint_shape(layout):
    """Return ``kpt_shape``: the number of joints, and of numbers of each; None without joints."""
    given = layout.description.get("kpt_shape")
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != 2 or not all(map(_is_count, given)) or given[1] not in ("2", "3"):
        raise BrokenFileError(layout.source, f"kpt_shape should be [number of joints, 2 or 3], got {given!r:.60}")
    return int(given[0]), int(given[1])


def _is_count(text):
    return isinstance(text, str) and text.isascii() and text.isdigit() and 0 < int(text[:9]) <= MOST_JOINTS


def _joint_names(layout, joints):
    """Return the names of the joints: those of ``kpt_names``, if their sides are those of ``flip_idx``.

    Here a joint's mirror image is found by its name. Without names that say it, ``flip_idx`` makes them: ``left_1`` and
    ``right_1`` are the first pair that changes places.
    """
    names = layout.description.get("kpt_names")
    names = next(iter(names.values()), None) if isinstance(names, dict) else names
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise BrokenFileError(layout.source, f"kpt_names should be a list of {joints} names, got {names!r:.60}")
    if names is not None and (len(names) != joints or len(set(names)) != joints):
        raise BrokenFileError(layout.source, f"kpt_names should be {joints} different names, got {', '.join(names)}")
    flip = layout.description.get("flip_idx") or [str(number) for number in range(joints)]
    if not isinstance(flip, list) or sorted(map(str, flip)) != sorted(map(str, range(joints))):
        raise BrokenFileError(
            layout.source, f"flip_idx should have each number from 0 to {joints - 1} once, got {flip!r:.60}"
        )
    flip = [int(number) for number in flip]
    if any(flip[flip[joint]] != joint for joint in range(joints)):
        raise BrokenFileError(layout.source, "flip_idx: where a joint changes places with another, both should say so")
    if names is not None and ("flip_idx" not in layout.description or keypoint_flip(tuple(names)).tolist() == flip):
        return names
    if names is not None:
        warnings.warn(
            f"{layout.source}: the left and right of kpt_names are not those of flip_idx, so the joints are called "
            "left_1, right_1, ... here",
            stacklevel=4,
        )
    pairs = {joint: number for number, joint in enumerate((j for j in range(joints) if flip[j] > j), start=1)}
    return [
        f"left_{pairs[j]}" if j in pairs else f"right_{pairs[flip[j]]}" if flip[j] in pairs else f"joint_{j + 1}"
        for j in range(joints)
    ]


YOLO = Format("yolo", "YOLO's text files", LOOKS_FOR, recognize, open_split)
