"""Datasets in the format of PASCAL VOC (http://host.robots.ox.ac.uk/pascal/VOC/)."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data.dataset import Sample
from minivision.data.files import IMAGE_SUFFIXES, FileDataset, clip_boxes, report_boxes, warn_about_boxes
from minivision.data.images import (
    BrokenFileError,
    has_colors,
    image_size,
    read_image,
    read_index_map,
    stored_image_size,
)
from minivision.data.instances import Instances
from minivision.data.problems import MendedWarning, report
from minivision.data.voc_colors import read_color_map
from minivision.data.voc_files import (
    Annotation,
    VocObject,
    files_by_name,
    first_pixel,
    read_annotation,
    read_classes,
    read_names,
)

__all__ = ["Voc"]

MAP_FOLDERS = ("SegmentationClass", "SegmentationObject")
MIN_SHARE = 0.5  # of the pixels of a mask are in its own box; with less, the masks are numbered in another order


class _Entry(NamedTuple):
    """One image: its name, file, size and objects, and the positions of the objects in the XML file."""

    name: str
    path: Path
    size: Size
    objects: list[VocObject]
    boxes: Array
    numbers: Array


class Voc(FileDataset):
    """Images with boxes from one XML file each, and label maps and masks if there are any.

    Parameters
    ----------
    root : path
        A folder with ``ImageSets/Main/NAME.txt`` (the names of the images of a split), ``Annotations/*.xml``,
        ``JPEGImages/``, and perhaps ``SegmentationClass/*.png`` and ``SegmentationObject/*.png``. A name may have
        folders and spaces; ``-1``, ``0`` or ``1`` behind it, as in lists of one class, is no part of it.
    split : str
        NAME; ``"Segmentation/train"`` means ``ImageSets/Segmentation/train.txt``.
    skip_broken : bool
        Whether to leave out images that cannot be read, with a warning. Every image is then decoded once at
        opening.

    Notes
    -----
    Classes are the sorted names in all annotations, so that all splits have the same; ``classes.txt`` or
    ``class_names.txt`` in `root`, one name per line, or ``labelmap.txt`` of CVAT replaces them. VOC counts pixels from
    1 and its boxes include their last pixel: ``x1 - 1, y1 - 1, x2, y2`` here. Many tools count from 0: where any box
    begins at 0, all are taken as they are. Objects without a box, and images without an XML file, are left out. Objects
    marked difficult have ``crowd`` set. The label map of an image without one is `IGNORE` throughout; there are masks
    only if every image of the split has them. Label maps may have the colors of ``labelmap.txt`` or of VOC's palette.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        self.root = Path(root)
        files = files_by_name(self.root / "Annotations", (".xml",))
        images = files_by_name(self.root / "JPEGImages", (".jpg", *IMAGE_SUFFIXES))
        names = read_names(self.root, split, files, images)
        annotations: dict[str, Annotation] = {}
        broken: dict[str, BrokenFileError] = {}
        for name, path in files.items():
            try:
                annotations[name] = read_annotation(path)
            except BrokenFileError as error:
                if not skip_broken:
                    raise
                broken[name] = error
        objects = [each for annotation in annotations.values() for each in annotation.objects if each]
        self.classes, self._colors = read_classes(self.root, {each.name for each in objects})
        self._first = first_pixel(self.root / "Annotations", objects)
        self._entries = self._make_entries(names, annotations, images, broken if skip_broken else None)
        self._maps = {folder: files_by_name(self.root / folder, (".png",)) for folder in MAP_FOLDERS}
        self._leave_out_unreadable_maps()
        self._leave_out_empty_maps()
        self.has_masks = bool(self._entries) and all(
            entry.name in maps for entry in self._entries for maps in self._maps.values()
        )
        self.has_label_maps = any(entry.name in self._maps["SegmentationClass"] for entry in self._entries)
        if skip_broken:
            self._leave_out_broken([broken[name] for name in names if name in broken])

    def image_sizes(self) -> list[Size]:
        return [entry.size for entry in self._entries]

    def count_objects(self) -> int:
        return sum(len(entry.objects) for entry in self._entries)

    def _make_entries(self, names, annotations, images, broken):
        """Files and objects of the images; those that cannot be opened go to the dict `broken`, if given."""
        entries, dropped, boxless, without = [], 0, 0, []
        for name in names:
            if broken is not None and name in broken:
                continue
            try:
                if name not in images:
                    raise BrokenFileError(self.root / "JPEGImages" / f"{name}.jpg", "there is no such file")
                if name not in annotations:
                    without.append(name)
                    report("not-annotated", images[name], f"there is no Annotations/{name}.xml")
                    continue
                size = _size_of(images[name], annotations[name].size)
            except BrokenFileError as error:
                if broken is None:
                    raise
                broken[name] = error
                continue
            objects = annotations[name].objects
            numbers = np.array([k for k, each in enumerate(objects) if each], np.int64)
            boxless += len(objects) - len(numbers)
            if len(numbers) < len(objects):
                report("no-box", images[name], f"{len(objects) - len(numbers)} of {len(objects)} have no bndbox")
            corners = np.array([objects[k].corners for k in numbers], float).reshape(-1, 4)
            corners[:, :2] -= self._first
            report_boxes(images[name], corners, size)
            boxes, valid = clip_boxes(corners, size)
            numbers = numbers[valid]
            entries.append(_Entry(name, images[name], size, [objects[k] for k in numbers], boxes[valid], numbers))
            dropped += np.count_nonzero(~valid)
        self._tell_of_images_without_annotation(without, len(names))
        warn_about_boxes(self.root / "Annotations", dropped)
        if boxless:
            warnings.warn(
                f"{self.root / 'Annotations'}: left out {boxless} objects without bndbox", MendedWarning, stacklevel=4
            )
        return entries

    def _tell_of_images_without_annotation(self, names, total):
        """Warn about images that may not be annotated yet: they cannot count as images without objects."""
        folder = self.root / "Annotations"
        if names and len(names) == total:
            raise BrokenFileError(folder, f"none of the {total} images of the split has an XML file here")
        if names:
            shown = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
            message = f"{folder}: left out {len(names)} images without an XML file: {shown}"
            warnings.warn(message, MendedWarning, stacklevel=5)

    def _leave_out_unreadable_maps(self):
        """Forget label maps in colors that nothing lists, with a warning: boxes can be used without them."""
        for maps in self._maps.values():
            in_colors = [entry for entry in self._entries if entry.name in maps and has_colors(maps[entry.name])]
            for entry in in_colors:
                try:
                    self._read_map(maps, entry)
                except BrokenFileError as error:
                    warnings.warn(f"{error}; no mask and no label map is used", stacklevel=4)
                    for each in self._maps.values():
                        each.clear()
                    return

    def _leave_out_empty_maps(self):
        """Forget label maps that show no object of images that have some, with a warning: all would be background."""
        for folder, maps in self._maps.items():
            shown = [entry for entry in self._entries if entry.name in maps and entry.objects]
            values: set[int] = set()
            for entry in shown:
                try:
                    values.update(np.unique(self._read_map(maps, entry)).tolist())
                except BrokenFileError:
                    break  # reported when its sample is read
                if values - {0, IGNORE}:
                    break
            else:
                if shown:
                    warnings.warn(
                        f"{self.root / folder}: the only values of its {len(shown)} label maps are "
                        f"{' and '.join(map(str, sorted(values)))}, so they show no object ({IGNORE} means a pixel to "
                        "ignore; classes and objects are numbered 1, 2, ...); they are not used",
                        stacklevel=4,
                    )
                    maps.clear()

    def _read_map(self, maps, entry):
        path = maps[entry.name]
        if not has_colors(path):
            return read_index_map(path, entry.size)
        return read_color_map(path, entry.size, self._colors if maps is self._maps["SegmentationClass"] else None)

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
        maps = self._maps["SegmentationClass"]
        if entry.name not in maps:
            return np.full(entry.size, IGNORE, np.uint8)
        label_map = self._read_map(maps, entry)
        largest = label_map[label_map != IGNORE].max(initial=0)
        if largest >= len(self.classes):
            raise BrokenFileError(
                maps[entry.name],
                f"it has label {largest}, but there are only {len(self.classes) - 1} classes; "
                f"write all their names to {self.root / 'classes.txt'}, one a line",
                "wrong-annotation",
            )
        return label_map.astype(np.uint8)

    def _instance_map(self, entry):
        """Return the instance map. In its PNG, k is the k-th object of the XML file, 255 the border between objects."""
        numbers = self._read_map(self._maps["SegmentationObject"], entry)
        new_id = np.zeros(65536, np.uint16)
        new_id[entry.numbers + 1] = np.arange(1, len(entry.numbers) + 1)
        new_id[IGNORE] = 0
        instance_map = new_id[numbers]
        if all(_share_inside(instance_map == k, box) >= MIN_SHARE for k, box in enumerate(entry.boxes, start=1)):
            return instance_map
        warnings.warn(
            f"{self.root / 'SegmentationObject'}: masks are numbered in another order than the objects of the "
            "annotations; each box gets the mask that fits it",
            stacklevel=2,
        )
        return _matched_by_position(numbers, entry.boxes)


def _size_of(path, size):
    """Return the size that the annotations were made on: the image's, turned by its EXIF orientation or not."""
    turned = image_size(path)
    if size is None or size == turned:
        return turned
    if size != stored_image_size(path):
        actual, expected = f"{turned[0]}x{turned[1]}", f"{size[0]}x{size[1]}"
        reason = f"it is {actual} (height x width), but its annotation says {expected}"
        raise BrokenFileError(path, reason, "wrong-size")
    return size


def _share_inside(mask, box):
    """Return the share of the pixels of a mask that are in a box; 1 for an empty mask."""
    x1, y1 = np.floor(box[:2]).astype(int)
    x2, y2 = np.ceil(box[2:]).astype(int)
    total = np.count_nonzero(mask)
    return np.count_nonzero(mask[y1:y2, x1:x2]) / total if total else 1.0


def _matched_by_position(numbers, boxes):
    """Return the instance map in which each box has the mask with the largest IoU of its extent and the box."""
    pairs = []
    for number in np.unique(numbers[(numbers > 0) & (numbers != IGNORE)]).tolist():
        y, x = np.nonzero(numbers == number)
        extent = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])
        for k, box in enumerate(boxes):
            sides = (np.minimum(extent[2:], box[2:]) - np.maximum(extent[:2], box[:2])).clip(0)
            shared = float(sides.prod())
            union = float((extent[2:] - extent[:2]).prod() + (box[2:] - box[:2]).prod()) - shared
            pairs.append((shared / union, number, k))
    instance_map, used = np.zeros(numbers.shape, np.uint16), set()
    for iou, number, k in sorted(pairs, reverse=True):
        if iou > 0 and not {("mask", number), ("box", k)} & used:
            used |= {("mask", number), ("box", k)}
            instance_map[numbers == number] = k + 1
    return instance_map
