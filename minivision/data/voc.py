"""Datasets in the format of PASCAL VOC (http://host.robots.ox.ac.uk/pascal/VOC/)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from defusedxml import DefusedXmlException, ElementTree

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data.dataset import Sample
from minivision.data.files import IMAGE_SUFFIXES, FileDataset, clip_boxes, warn_about_boxes
from minivision.data.images import BrokenFileError, image_size, read_image, read_index_map
from minivision.data.instances import Instances

__all__ = ["Voc"]


class _Object(NamedTuple):
    name: str
    box: tuple
    difficult: bool


class _Entry(NamedTuple):
    """One image: its name, file, size and objects, and the positions of the objects in the XML file."""

    name: str
    path: Path
    size: Size
    objects: list[_Object]
    boxes: Array
    numbers: Array


class Voc(FileDataset):
    """Images with boxes from one XML file each, and label maps and masks if there are any.

    Parameters
    ----------
    root : path
        A folder with ``ImageSets/Main/NAME.txt`` (the names of the images of a split), ``Annotations/*.xml``,
        ``JPEGImages/``, and perhaps ``SegmentationClass/*.png`` and ``SegmentationObject/*.png``.
    split : str
        NAME; ``"Segmentation/train"`` means ``ImageSets/Segmentation/train.txt``.
    skip_broken : bool
        Whether to leave out images that cannot be read, with a warning. Every image is then decoded once at
        opening.

    Notes
    -----
    Classes are the sorted names in all annotations, so that all splits have the same; ``classes.txt`` in `root`,
    one name per line, replaces them. VOC counts pixels from 1 and its boxes include their last pixel:
    ``x1 - 1, y1 - 1, x2, y2`` here. Objects marked difficult have ``crowd`` set. The label map of an image without
    one is `IGNORE` throughout; there are masks only if every image of the split has them.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        self.root = Path(root)
        names = _read_names(self.root, split)
        objects: dict[str, list[_Object]] = {}
        broken: dict[str, BrokenFileError] = {}
        for path in sorted((self.root / "Annotations").glob("*.xml")):
            try:
                objects[path.stem] = _read_objects(path)
            except BrokenFileError as error:
                if not skip_broken:
                    raise
                broken[path.stem] = error
        self.classes = ("background", *_class_names(self.root, objects))
        self._entries = self._make_entries(names, objects, broken if skip_broken else None)
        self.has_masks = self._all_have("SegmentationObject") and self._all_have("SegmentationClass")
        self.has_label_maps = any(self._map_path("SegmentationClass", entry).is_file() for entry in self._entries)
        if skip_broken:
            self._leave_out_broken([broken[name] for name in names if name in broken])

    def image_sizes(self) -> list[Size]:
        return [entry.size for entry in self._entries]

    def _map_path(self, folder, entry):
        return self.root / folder / f"{entry.name}.png"

    def _all_have(self, folder):
        return bool(self._entries) and all(self._map_path(folder, entry).is_file() for entry in self._entries)

    def _make_entries(self, names, objects, broken):
        """Files and objects of the images; those that cannot be opened go to the dict `broken`, if given."""
        entries, dropped = [], 0
        for name in names:
            if broken is not None and name in broken:
                continue
            try:
                if name not in objects:
                    raise BrokenFileError(self.root / "Annotations" / f"{name}.xml", "there is no such file")
                path = _find_image(self.root / "JPEGImages", name)
                size = image_size(path)
            except BrokenFileError as error:
                if broken is None:
                    raise
                broken[name] = error
                continue
            boxes, valid = clip_boxes([each.box for each in objects[name]], size)
            numbers = np.flatnonzero(valid)
            entries.append(_Entry(name, path, size, [objects[name][k] for k in numbers], boxes[valid], numbers))
            dropped += np.count_nonzero(~valid)
        warn_about_boxes(self.root / "Annotations", dropped)
        return entries

    def _sample(self, index: int) -> Sample:
        entry = self._entries[index]
        image = read_image(entry.path, entry.size)
        labels = np.array([self.classes.index(each.name) for each in entry.objects], np.int64)
        crowd = np.array([each.difficult for each in entry.objects], bool)
        fields = {}
        if self.has_masks:
            fields["instance_map"] = self._instance_map(entry)
        return Sample(image, Instances(entry.boxes, labels, crowd=crowd, **fields), self._label_map(entry))

    def _label_map(self, entry):
        path = self._map_path("SegmentationClass", entry)
        if not path.is_file():
            return np.full(entry.size, IGNORE, np.uint8)
        label_map = read_index_map(path, entry.size)
        largest = label_map[label_map != IGNORE].max(initial=0)
        if largest >= len(self.classes):
            raise BrokenFileError(
                path,
                f"it has label {largest}, but there are only {len(self.classes) - 1} classes; "
                f"write all their names to {self.root / 'classes.txt'}, one a line",
            )
        return label_map.astype(np.uint8)

    def _instance_map(self, entry):
        """Return the instance map. In its PNG, k is the k-th object of the XML file, 255 the border between objects."""
        numbers = read_index_map(self._map_path("SegmentationObject", entry), entry.size)
        new_id = np.zeros(65536, np.uint16)
        new_id[entry.numbers + 1] = np.arange(1, len(entry.numbers) + 1)
        new_id[IGNORE] = 0
        return new_id[numbers]


def _read_names(root, split):
    """Return the names of the images of a split."""
    path = root / "ImageSets" / (f"{split}.txt" if "/" in split else f"Main/{split}.txt")
    if not path.is_file():
        if not (root / "ImageSets" / "Main").is_dir():
            raise FileNotFoundError(f"{root} is not a dataset in VOC's format: it has no folder 'ImageSets/Main'")
        splits = sorted(other.stem for other in (root / "ImageSets" / "Main").glob("*.txt"))
        raise FileNotFoundError(f"{path} is missing; splits that are there: {', '.join(splits) or 'none'}")
    for folder in ("Annotations", "JPEGImages"):
        if not (root / folder).is_dir():
            raise FileNotFoundError(f"{root} is not a dataset in VOC's format: it has no folder {folder!r}")
    return [line.split()[0] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _class_names(root, objects):
    """Return the names of the classes without the background."""
    path = root / "classes.txt"
    annotated = sorted({each.name for of_image in objects.values() for each in of_image})
    if not path.is_file():
        return annotated
    names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    names = names[1:] if names[:1] == ["background"] else names
    missing = sorted(set(annotated) - set(names))
    if missing:
        raise ValueError(f"{path} lacks names that the annotations have: {', '.join(missing)}")
    return names


def _find_image(folder, name):
    """Return the path of an image of any suffix."""
    for suffix in (".jpg", *IMAGE_SUFFIXES):
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    raise BrokenFileError(folder / f"{name}.jpg", "there is no such file")


def _read_objects(path):
    """Return the objects of an annotation file, in its order.

    The file may be malicious. XML entities, which can expand a few lines to gigabytes or read other files, are not
    needed in an annotation: a file that declares any is refused.
    """
    try:
        objects = ElementTree.parse(path).getroot().findall("object")
        return [_read_object(each) for each in objects]
    except DefusedXmlException as error:
        raise BrokenFileError(
            path, "it declares XML entities, which annotations do not need and attacks use; remove its DOCTYPE"
        ) from error
    except (ElementTree.ParseError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise BrokenFileError(path, f"not an annotation of VOC's format: {error}") from error


def _read_object(element):
    """Return the object of an XML element."""
    name = (element.findtext("name") or "").strip()
    if not name:
        raise ValueError("an object has no name")
    box = element.find("bndbox")
    if box is None:
        raise ValueError(f"an object ({name}) has no bndbox")
    corners = {key: box.findtext(key) for key in ("xmin", "ymin", "xmax", "ymax")}
    missing = [key for key, text in corners.items() if text is None]
    if missing:
        raise ValueError(f"the bndbox of an object ({name}) has no {missing[0]}")
    x1, y1, x2, y2 = (float(text) for text in corners.values())
    return _Object(name, (x1 - 1, y1 - 1, x2, y2), (element.findtext("difficult") or "0").strip() == "1")
