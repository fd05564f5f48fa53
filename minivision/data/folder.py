"""Datasets for semantic segmentation: a folder of images and a folder of label maps."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Size
from minivision.data.dataset import Sample
from minivision.data.files import IMAGE_SUFFIXES, FileDataset
from minivision.data.images import BrokenFileError, image_size, read_image, read_index_map
from minivision.data.instances import Instances

__all__ = ["LabelFolder"]

VALIDATION_EVERY = 5  # without folders for the splits, the first of every five images is for validation


class _Entry(NamedTuple):
    path: Path
    label_path: Path
    size: Size


class LabelFolder(FileDataset):
    """Images with label maps, which are PNG files whose pixel values are classes; there are no boxes.

    Parameters
    ----------
    root : path
        A folder with ``NAME/images/*`` and ``NAME/labels/*.png`` for each split; an image and its label map
        have the same name up to the suffix. Or ``images/*`` and ``labels/*.png`` without splits: ``"val"``
        is then every fifth image in the order of their names, ``"train"`` the others, ``"all"`` all.
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

    has_boxes = False
    has_masks = False

    def __init__(self, root: str | os.PathLike, split: str, *, skip_broken: bool = False) -> None:
        self.root = Path(root)
        pairs = _find_pairs(self.root, split)
        self.classes = ("background", *_class_names(self.root))
        errors, self._entries = [], []
        for path, label_path in pairs:
            try:
                if not label_path.is_file():
                    raise BrokenFileError(path, f"its label map {label_path.name} is not in {label_path.parent}")
                self._entries.append(_Entry(path, label_path, image_size(label_path)))
            except BrokenFileError as error:
                if not skip_broken:
                    raise
                errors.append(error)
        if skip_broken:
            self._leave_out_broken(errors)

    def image_sizes(self) -> list[Size]:
        return [entry.size for entry in self._entries]

    def _sample(self, index: int) -> Sample:
        entry = self._entries[index]
        label_map = read_index_map(entry.label_path)
        image = read_image(entry.path, label_map.shape)
        largest = label_map[label_map != IGNORE].max(initial=0)
        if largest >= len(self.classes):
            raise BrokenFileError(
                entry.label_path,
                f"it has label {largest}, but there are the background and {len(self.classes) - 1} classes; "
                f"add names to {self.root / 'classes.txt'}, or use 255 for pixels to ignore",
            )
        return Sample(image, Instances.empty(), label_map.astype(np.uint8))


def _find_pairs(root, split):
    """Return the paths of the images of a split and of their label maps."""
    splits = sorted(path.parent.name for path in root.glob("*/images") if path.is_dir())
    if split in splits:
        return _pairs_in(root / split)
    if splits or not (root / "images").is_dir():
        raise FileNotFoundError(
            f"{root} has no folders {split}/images and {split}/labels; "
            f"splits that are there: {', '.join(splits) or 'none'}"
        )
    pairs = _pairs_in(root)
    parts = {"all": pairs, "val": pairs[::VALIDATION_EVERY]}
    parts["train"] = [pair for i, pair in enumerate(pairs) if i % VALIDATION_EVERY]
    if not parts.get(split):
        raise FileNotFoundError(
            f"{root} has no folders for splits, so split must be 'train', 'val' or 'all' "
            f"(of {len(pairs)} images in all); got {split!r}"
        )
    return parts[split]


def _pairs_in(folder):
    """Return the paths of the images in a folder and of their label maps."""
    images = sorted(path for path in (folder / "images").iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not images:
        raise FileNotFoundError(f"{folder / 'images'} has no images ({', '.join(IMAGE_SUFFIXES)})")
    if not (folder / "labels").is_dir():
        raise FileNotFoundError(f"{folder / 'labels'} is missing: the label maps, as PNG files, must be there")
    return [(path, folder / "labels" / f"{path.stem}.png") for path in images]


def _class_names(root):
    """Return the names of the classes without the background."""
    path = root / "classes.txt"
    if path.is_file():
        names = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        return names[1:] if names[:1] == ["background"] else names
    largest = 0
    for path in sorted([*root.glob("labels/*.png"), *root.glob("*/labels/*.png")]):
        try:
            label_map = read_index_map(path)
        except BrokenFileError:
            continue  # reported, or left out, when its own sample is read
        largest = max(largest, int(label_map[label_map != IGNORE].max(initial=0)))
    return [f"class_{label}" for label in range(1, largest + 1)]
