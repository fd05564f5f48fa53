"""Datasets for semantic segmentation: a folder of images and a folder of label maps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Size
from minivision.data.class_names import read_class_names
from minivision.data.dataset import Sample
from minivision.data.files import IMAGE_SUFFIXES, OTHER_NAMES, FileDataset, image_files, is_hidden, one_split
from minivision.data.images import BrokenFileError, image_size, read_image, read_index_map
from minivision.data.instances import Instances

__all__ = ["LabelFolder", "LabelMaps"]

MANY_CLASSES, FEW_VALUES = 32, 8  # so many classes, of which so few occur: shades of gray such as 127 and 254


class _Entry(NamedTuple):
    path: Path
    label_path: Path
    size: Size


class LabelMaps(FileDataset):
    """Images with label maps, which are PNG files; there are no boxes. Base class.

    A subclass calls `_open_pairs`, and defines `_label_map`, which returns the labels of an entry.
    """

    has_boxes = False
    has_masks = False

    def _open_pairs(self, pairs, skip_broken):
        """Make the entries of pairs of the path of an image and of its label map."""
        errors, self._entries = [], []
        for path, label_path in pairs:
            try:
                if not label_path.is_file():
                    reason = f"its label map {label_path.name} is not in {label_path.parent}"
                    raise BrokenFileError(path, reason, "wrong-annotation")
                self._entries.append(_Entry(path, label_path, image_size(label_path)))
            except BrokenFileError as error:
                if not skip_broken:
                    raise
                errors.append(error)
        if skip_broken:
            self._leave_out_broken(errors)
        self._check_labels()

    def _label_map(self, entry):
        """Return the labels of an entry, an integer array ``(H, W)``."""
        raise NotImplementedError(f"{type(self).__name__} does not define how label maps are read (_label_map)")

    def _check_labels(self):
        """Refuse label maps without any class: a network would learn nothing, and be rated as perfect."""
        values: set[int] = set()
        for entry in self._entries:
            try:
                values.update(np.unique(self._label_map(entry)).tolist())
            except BrokenFileError:
                return  # reported when its sample is read
            if values - {0, IGNORE}:
                return
        if not self._entries:
            return
        folder = self._entries[0].label_path.parent
        if IGNORE in values:
            raise BrokenFileError(
                folder,
                f"the only values of its {len(self._entries)} label maps are {' and '.join(map(str, sorted(values)))}, "
                f"and {IGNORE} means a pixel to ignore, so there is no class to learn; if white is the object, write 1 "
                f"instead of {IGNORE}",
            )
        raise BrokenFileError(
            folder,
            f"all pixels of its {len(self._entries)} label maps are 0, the background: there is nothing to learn",
        )

    def image_sizes(self) -> list[Size]:
        return [entry.size for entry in self._entries]

    def _sample(self, index: int) -> Sample:
        entry = self._entries[index]
        label_map = self._label_map(entry)
        return Sample(read_image(entry.path, label_map.shape), Instances.empty(), label_map.astype(np.uint8))


class LabelFolder(LabelMaps):
    """Images with label maps, which are PNG files whose pixel values are classes; there are no boxes.

    Parameters
    ----------
    root : path
        A folder with ``NAME/images/*`` and ``NAME/labels/*.png`` for each split; an image and its label map
        have the same name up to the suffix. Or ``images/*`` and ``labels/*.png`` without splits: ``"val"``
        is then about every fifth image, chosen by its name (`one_split`), ``"train"`` the others, ``"all"`` all.
    split : str
        NAME.
    skip_broken : bool
        Whether to leave out images that cannot be read, with a warning. Every image is then decoded once at
        opening.

    Notes
    -----
    Label maps are gray or have a palette; 0 is the background, 255 is `IGNORE`. The names of the classes are
    read from ``classes.txt`` in `root`, one per line, starting with class 1 (a first line "background" is skipped).
    Without this file they are ``class_1``, ``class_2``, ... up to the largest value in any label map of any split;
    all label maps are then read.
    """

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        self.root = Path(root)
        pairs = _find_pairs(self.root, split)
        self.classes = _class_names(self.root)
        self._open_pairs(pairs, skip_broken)

    def _label_map(self, entry):
        label_map = read_index_map(entry.label_path)
        largest = label_map[label_map != IGNORE].max(initial=0)
        if largest >= len(self.classes):
            raise BrokenFileError(
                entry.label_path,
                f"it has label {largest}, but there are the background and {len(self.classes) - 1} classes; "
                f"add names to {self.root / 'classes.txt'}, or use 255 for pixels to ignore",
                "wrong-annotation",
            )
        return label_map


def _find_pairs(root, split):
    """Return the paths of the images of a split and of their label maps."""
    splits = sorted(path.parent.name for path in root.glob("*/images") if path.is_dir())
    own = next((name for name in (split, *OTHER_NAMES.get(split, ())) if name in splits), None)
    if own is not None:
        return _pairs_in(root / own)
    if splits or not (root / "images").is_dir():
        raise FileNotFoundError(
            f"{root} has no folders {split}/images and {split}/labels; "
            f"splits that are there: {', '.join(splits) or 'none'}"
        )
    pairs = _pairs_in(root)
    return one_split(pairs, split, root, lambda pair: pair[0].name)


def _pairs_in(folder):
    """Return the paths of the images in a folder and of their label maps."""
    images = image_files(folder / "images")
    if not images:
        raise FileNotFoundError(f"{folder / 'images'} has no images ({', '.join(IMAGE_SUFFIXES)})")
    if not (folder / "labels").is_dir():
        raise FileNotFoundError(f"{folder / 'labels'} is missing: the label maps, as PNG files, must be there")
    by_stem: dict[str, Path] = {}
    for path in images:
        if by_stem.setdefault(path.stem, path) != path:
            raise BrokenFileError(path, f"{by_stem[path.stem].name} has the same label map; rename one of the images")
    label_maps = {path.stem: path for path in _label_maps(folder / "labels")}
    return [(path, label_maps.get(path.stem, folder / "labels" / f"{path.stem}.png")) for path in images]


def _label_maps(folder):
    """Return the paths of the PNG files in a folder, whatever the case of their suffix."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() == ".png" and not is_hidden(path))


def _class_names(root):
    """Return the names of the classes, the background first."""
    path = root / "classes.txt"
    if path.is_file():
        return read_class_names(path)
    values = set()
    folders = [root / "labels", *sorted(root.glob("*/labels"))]
    for path in (path for folder in folders for path in _label_maps(folder)):
        try:
            values.update(np.unique(read_index_map(path)).tolist())
        except BrokenFileError:
            continue  # reported, or left out, when its own sample is read
    values -= {0, IGNORE}
    labels = range(1, max(values, default=0) + 1)
    if len(labels) > MANY_CLASSES and len(values) <= FEW_VALUES:
        shown = ", ".join(map(str, sorted(values)))
        raise BrokenFileError(
            folders[0] if folders[0].is_dir() else root,
            f"besides 0 and {IGNORE}, the values of its label maps are {shown}; are these shades of gray for classes? "
            f"Number the classes 1, 2, ..., or list the names of all {len(labels)} in classes.txt",
        )
    return ("background", *(f"class_{label}" for label in labels))
