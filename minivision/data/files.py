"""Base class and helpers of the datasets that read image files: broken files, invalid boxes, label maps."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data.dataset import Dataset
from minivision.data.images import BrokenFileError

__all__ = [
    "IMAGE_SUFFIXES",
    "FileDataset",
    "clip_boxes",
    "image_files",
    "is_hidden",
    "one_split",
    "paint_label_map",
    "warn_about_boxes",
]

VALIDATION_EVERY = 5  # without files or folders for the splits, the first of every five images is for validation
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")


class FileDataset(Dataset):
    """Images that are decoded from files each time they are read.

    Subclasses fill ``_entries``, a list with one entry for each image, and implement ``_sample``, which
    raises `BrokenFileError` if a file cannot be used.
    """

    _entries: list

    def __len__(self) -> int:
        return len(self._entries)

    def _leave_out_broken(self, already=()):
        """Decode every file once; leave out those that cannot be used, with one warning.

        Parameters
        ----------
        already : sequence of BrokenFileError
            Files that are known to be broken, for the warning.
        """
        errors, good = list(already), []
        for index, entry in enumerate(self._entries):
            try:
                self._sample(index)
                good.append(entry)
            except BrokenFileError as error:
                errors.append(error)
        self._entries = good
        if errors:
            shown = "; ".join(f"{error.path.name} ({error.reason})" for error in errors[:10])
            more = f"; and {len(errors) - 10} more" if len(errors) > 10 else ""
            files = "1 broken file" if len(errors) == 1 else f"{len(errors)} broken files"
            warnings.warn(f"skipped {files}, {len(good)} images are left: {shown}{more}", stacklevel=4)


def one_split(images: Sequence, split: str, root: str | os.PathLike) -> list:
    """Return a split of images that are all in one place: every fifth one is for validation.

    Parameters
    ----------
    images : sequence
        In the order of their names.
    split : str
        ``"train"``, ``"val"`` or ``"all"``.
    root : path
        Where the images are, for the message.

    Raises
    ------
    FileNotFoundError
        If there is no such split, or it is empty.
    """
    parts = {"all": list(images), "val": list(images[::VALIDATION_EVERY])}
    parts["train"] = [image for i, image in enumerate(images) if i % VALIDATION_EVERY]
    if not parts.get(split):
        raise FileNotFoundError(
            f"{root} has no folders for splits, so split must be 'train', 'val' or 'all' "
            f"(of {len(images)} images in all); got {split!r}"
        )
    return parts[split]


def is_hidden(path: Path) -> bool:
    """Return whether a file belongs to the system: ``._NAME`` of macOS, ``.DS_Store``, and other names with a dot."""
    return path.name.startswith(".")


def image_files(folder: Path) -> list[Path]:
    """Return the images in a folder, by their suffix, in the order of their names; hidden files are none."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and not is_hidden(path))


def clip_boxes(boxes: Array | Sequence, size: Size) -> tuple[Array, Array]:
    """Clip boxes to the image, and find those that then have an area.

    Parameters
    ----------
    boxes : ndarray of shape (K, 4)
    size : (height, width)

    Returns
    -------
    boxes : float32 ndarray of shape (K, 4)
    valid : bool ndarray of shape (K,)
    """
    unclipped = np.asarray(boxes, np.float64).reshape(-1, 4)
    height, width = size
    clipped = np.clip(unclipped, 0, [width, height, width, height]).astype(np.float32)
    return clipped, np.all(clipped[:, 2:] > clipped[:, :2], axis=1)  # False also for NaN


def warn_about_boxes(path: str | os.PathLike, dropped: int) -> None:
    """Give one warning for all boxes of a dataset that were dropped, if there are any."""
    if dropped:
        boxes = "1 box" if dropped == 1 else f"{dropped} boxes"
        warnings.warn(f"{path}: dropped {boxes} without width or height inside the image", stacklevel=4)


def paint_label_map(masks: Array, labels: Array, crowd: Array) -> Array:
    """Return the class of each pixel, from masks that may overlap.

    A pixel of several objects gets the class of the smallest one, which is most likely in front. Pixels of crowds
    are `IGNORE` unless a single object covers them.

    Parameters
    ----------
    masks : bool ndarray of shape (K, H, W)
    labels : integer ndarray of shape (K,)
    crowd : bool ndarray of shape (K,)

    Returns
    -------
    label_map : uint8 ndarray of shape (H, W)
    """
    label_map = np.zeros(masks.shape[1:], np.uint8)
    for k in np.flatnonzero(crowd):
        label_map[masks[k]] = IGNORE
    areas = masks.sum(axis=(1, 2))
    for k in np.argsort(-areas, kind="stable"):
        if not crowd[k]:
            label_map[masks[k]] = labels[k]
    return label_map
