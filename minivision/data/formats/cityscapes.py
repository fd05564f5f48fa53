"""Cityscapes (https://www.cityscapes-dataset.com; cityscapesscripts/helpers/labels.py, version 2.3.0).

A label image has the identifiers of Cityscapes, of which 19 classes are learned; the others are unknown here. An
instance image has ``1000 * identifier + number`` for each object, and the identifier alone for groups of objects.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data.dataset import Sample
from minivision.data.files import FileDataset, is_hidden, split_name, walk
from minivision.data.formats.format import Format, Found
from minivision.data.images import BrokenFileError, image_size, read_image, read_index_map
from minivision.data.instances import Instances
from minivision.data.text import read_lines

__all__ = ["CITYSCAPES", "Cityscapes"]

NAMES = {
    7: "road", 8: "sidewalk", 11: "building", 12: "wall", 13: "fence", 17: "pole", 19: "traffic light",
    20: "traffic sign", 21: "vegetation", 22: "terrain", 23: "sky", 24: "person", 25: "rider", 26: "car", 27: "truck",
    28: "bus", 31: "train", 32: "motorcycle", 33: "bicycle",
}  # fmt: skip
WITH_INSTANCES = (24, 25, 26, 27, 28, 31, 32, 33)
LARGEST = 33  # identifier; that of license plates is -1, and they are part of their cars
IMAGES, TRUTH = "leftImg8bit", "gtFine"
PER_CLASS = 1000  # numbers of objects of a class in instance images


class _Entry(NamedTuple):
    path: Path
    labels: Path
    instances: Path
    size: Size


class Cityscapes(FileDataset):
    """Street scenes with label maps of 19 classes, and masks of people and vehicles.

    Parameters
    ----------
    root : path
        A folder with ``leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png``, and in ``gtFine/SPLIT/CITY/`` the files
        ``NAME_gtFine_labelIds.png`` and ``NAME_gtFine_instanceIds.png``.
    split : str
        ``"train"`` or ``"val"``; the label images of ``"test"`` are not public.
    skip_broken : bool
        Whether to leave out images that cannot be read, with a warning. Every image is then decoded once at opening.

    Notes
    -----
    Label ``k + 1`` is the class with the training identifier k; there is no background. Groups of objects are crowds.
    Without instance images there are no boxes.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        folder = Path(root)
        self.classes = ("background", *NAMES.values())
        self._identifiers = np.full(LARGEST + 1, IGNORE, np.uint8)
        self._identifiers[list(NAMES)] = np.arange(1, len(NAMES) + 1)
        _check_table(folder / "label_colors.txt")
        splits = _splits(folder)
        if split_name(split) not in splits:
            shown = ", ".join(sorted(splits)) or "none"
            raise FileNotFoundError(f"{folder / TRUTH} has no folder {split!r}; splits that are there: {shown}")
        self._entries: list[_Entry] = []
        errors = []
        for path in _images(folder / IMAGES / splits[split_name(split)]):
            try:
                self._entries.append(_entry(folder, path))
            except BrokenFileError as error:
                if not skip_broken:
                    raise
                errors.append(error)
        if not self._entries and not errors:
            raise FileNotFoundError(f"{folder / IMAGES / splits[split_name(split)]} has no files NAME_{IMAGES}.png")
        self.has_boxes = self.has_masks = self._check_instances()
        if skip_broken:
            self._leave_out_broken(errors)

    def _check_instances(self):
        """Return whether all images have an instance image; none may have one."""
        there = [entry.instances.is_file() for entry in self._entries]
        if any(there) and not all(there):
            path = self._entries[there.index(False)].instances
            raise BrokenFileError(path, "it is not there, and other images have an instance image; remove all or none")
        return all(there)

    def image_sizes(self) -> list[Size]:
        return [entry.size for entry in self._entries]

    def _sample(self, index: int) -> Sample:
        entry = self._entries[index]
        numbers = read_index_map(entry.labels, entry.size)
        if numbers.max(initial=0) > LARGEST:
            raise BrokenFileError(
                entry.labels,
                f"it has the identifier {numbers.max()}, but those of Cityscapes are 0 to {LARGEST}; label maps with "
                "identifiers of your own are opened as folder: or color-maps:",
            )
        image = read_image(entry.path, entry.size)
        instances = self._instances(entry) if self.has_boxes else Instances.empty()
        return Sample(image, instances, self._identifiers[numbers])

    def _instances(self, entry):
        """Return the objects of an instance image."""
        numbers = read_index_map(entry.instances, entry.size)
        found = [number for number in np.unique(numbers).tolist() if _identifier(number) in WITH_INSTANCES]
        masks = np.zeros((len(found), *entry.size), bool)
        boxes = np.zeros((len(found), 4), np.float32)
        for k, number in enumerate(found):
            masks[k] = numbers == number
            boxes[k] = _around(masks[k])
        labels = np.array([self._identifiers[_identifier(number)] for number in found], np.int64)
        crowd = np.array([number < PER_CLASS for number in found], bool)
        return Instances(boxes, labels, masks=masks, crowd=crowd)


def _identifier(number):
    return number // PER_CLASS if number >= PER_CLASS else number


def _around(mask: Array) -> tuple[int, int, int, int]:
    """Return the box around the pixels of a mask that has some."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def _entry(root, path):
    """Return the files of an image."""
    name = path.stem.removesuffix(f"_{IMAGES}")
    folder = root / TRUTH / path.parent.relative_to(root / IMAGES)
    labels = folder / f"{name}_{TRUTH}_labelIds.png"
    if not labels.is_file():
        raise BrokenFileError(path, f"its label image {labels} is not there")
    return _Entry(path, labels, folder / f"{name}_{TRUTH}_instanceIds.png", image_size(labels))


def _check_table(path):
    """Refuse a table of other classes, as tools write it that arrange any data like Cityscapes."""
    if not path.is_file():
        return
    names = [line.lstrip("0123456789 \t").replace(" ", "").lower() for line in read_lines(path)]
    if any(names[number : number + 1] != [name.replace(" ", "")] for number, name in NAMES.items()):
        raise BrokenFileError(
            path,
            "its classes are not those of Cityscapes in their order, so the numbers in label images mean others. Open "
            "the images with NAME_color.png as color-maps:, in the folders images and labels beside this table",
        )


def _images(folder):
    return [path for path in walk(folder, [f"_{IMAGES}.png".lower()])]


def _splits(root):
    """Return the names of the folders that have label images, by the usual name of their split."""
    folders = sorted(root.glob(f"{TRUTH}/*"))
    return {split_name(path.name): path.name for path in folders if path.is_dir() and not is_hidden(path)}


def recognize(root: Path) -> Found | None:
    """Recognize the folders ``leftImg8bit`` and ``gtFine``."""
    if not (root / IMAGES).is_dir() or not (root / TRUTH).is_dir():
        return None
    return Found("cityscapes", tuple(sorted(_splits(root))), f"{IMAGES} and {TRUTH}")


CITYSCAPES = Format(
    "cityscapes",
    "Cityscapes",
    "leftImg8bit/SPLIT/CITY/NAME_leftImg8bit.png and gtFine/SPLIT/CITY/NAME_gtFine_labelIds.png",
    recognize,
    Cityscapes,
)
