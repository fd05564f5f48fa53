"""Base class and helpers of the datasets that read image files: broken files, invalid boxes, label maps."""

from __future__ import annotations

import hashlib
import os
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TypeVar

import numpy as np

from minivision.core.labels import IGNORE
from minivision.core.types import Array, Size
from minivision.data.dataset import Dataset
from minivision.data.images import BrokenFileError, is_image_name
from minivision.data.instances import Instances
from minivision.data.problems import MendedWarning, is_collecting, report

__all__ = [
    "IMAGE_SUFFIXES",
    "OTHER_NAMES",
    "FileDataset",
    "all_have_masks",
    "clip_boxes",
    "find_file",
    "image_files",
    "is_hidden",
    "is_painted",
    "kind_of_error",
    "one_split",
    "paint_label_map",
    "report_boxes",
    "split_name",
    "walk",
    "warn_about_boxes",
]

T = TypeVar("T")

VALIDATION_SHARE = 0.2  # of images without files or folders for the splits
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")
OTHER_NAMES = {"train": ("training",), "val": ("valid", "validation"), "test": ("testing",)}  # of a split


class FileDataset(Dataset):
    """Images that are decoded from files each time they are read.

    Subclasses fill ``_entries``, a list with one entry for each image, and implement ``_sample``, which
    raises `BrokenFileError` if a file cannot be used.
    """

    _entries: list

    def __len__(self) -> int:
        return len(self._entries)

    def count_objects(self) -> int | None:
        """Return the number of objects of all images, None where only label maps are known."""
        return None

    def image_path(self, index: int) -> Path | None:
        path = self._entries[index].path
        return path if is_image_name(path) else None  # images may be within files of annotations

    def _leave_out_broken(self, already=()):
        """Decode every file once; leave out those that cannot be used, with one warning.

        Parameters
        ----------
        already : sequence of BrokenFileError
            Files that are known to be broken, for the warning.
        """
        if is_collecting():  # who collects problems reads every sample
            for error in already:
                report(kind_of_error(error), error.path, error.reason)
            return
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


def one_split(images: Sequence[T], split: str, root: str | os.PathLike, name: Callable[[T], str]) -> list[T]:
    """Return a split of images that are all in one place: about every fifth one is for validation.

    A hash of an image's own name decides, and nothing else: an image stays in its split when others are added, when the
    folder is moved, and when the set is converted to another format. The image with the smallest hash is for validation
    in any case, so that few images have a split of both kinds.

    Parameters
    ----------
    images : sequence
    split : str
        ``"train"``, ``"val"`` or ``"all"``.
    root : path
        Where the images are, for the message.
    name : function
        Returns the file name of an image, of which neither folders nor suffix count.

    Raises
    ------
    FileNotFoundError
        If there is no such split, or it is empty.
    """
    shares = [_share_of_name(name(image)) for image in images]
    limit = max(VALIDATION_SHARE, min(shares, default=0.0))
    parts = {"all": list(images), "val": [], "train": []}
    for image, share in zip(images, shares, strict=True):
        parts["val" if share <= limit else "train"].append(image)
    if not images:
        raise FileNotFoundError(f"{root} has no images of this format with annotations")
    if split_name(split) == "train" and not parts["train"]:
        raise FileNotFoundError(
            f"{root} has no folders for splits, so about a fifth of the images is for validation, and one in any case; "
            f"of {len(images)} images in all none is left for 'train'; add images, or take 'all'"
        )
    if not parts.get(split_name(split)):
        raise FileNotFoundError(
            f"{root} has no folders for splits, so split must be 'train', 'val' or 'all' "
            f"(of {len(images)} images in all); got {split!r}"
        )
    return parts[split_name(split)]


def _share_of_name(name):
    """Return a number from 0 to 1 that looks random and is the same for a name on every machine."""
    stem = unicodedata.normalize("NFC", PurePosixPath(name.replace("\\", "/")).stem)  # some systems write é as two
    digest = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def split_name(name: str) -> str:
    """Return the usual name of a split: ``"val"`` for ``valid`` and ``validation``; other names stay."""
    return next((usual for usual, others in OTHER_NAMES.items() if name.lower() in (usual, *others)), name)


def find_file(name: str, folders: Sequence[Path], is_there: Callable[[str | Path], bool] = os.path.isfile) -> Path:
    """Return the path of a file that an annotation names; one that need not exist, where no folder has it.

    No name leads out of the folders. Where it is not there, folders in front of it are left out, one by one, since sets
    are moved to other places: of an absolute name, and of one with ``..``, only what is behind that counts.

    Parameters
    ----------
    name : str
        With slashes or backslashes.
    folders : sequence of path
        One or more, in the order of the search.
    is_there : function
        Returns whether a path is what is looked for.
    """
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if not part.startswith("/")]
    inside = 1 + max((k for k, part in enumerate(parts) if part == ".." or k == 0 and ":" in part), default=-1)
    names = [Path(*parts[k:]) for k in range(inside, len(parts))]
    if Path(name).name == name and name != "..":
        names.insert(0, Path(name))  # a backslash or a colon may be part of a name
    if not name.isascii():  # the same letters in other bytes: some systems write é as two
        names += [Path(unicodedata.normalize(form, str(each))) for form in ("NFC", "NFD") for each in names]
    choices = [folder / each for each in names for folder in folders]
    return next((path for path in choices if is_there(path)), choices[0] if choices else folders[0])


def walk(folder: Path, suffixes: Sequence[str], depth: int = 4) -> Iterator[Path]:
    """Yield the files below a folder that have one of the suffixes, by name, files before folders.

    Hidden files and folders are left out, and what is more than `depth` folders below. A folder is listed when its
    files are asked for: the first of many files costs little. The case of a suffix does not matter.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return  # a folder that may not be read
    shown = [entry for entry in entries if not entry.name.startswith(".")]
    for entry in shown:
        if entry.name.lower().endswith(tuple(suffixes)) and entry.is_file():
            yield Path(entry.path)
    for entry in shown:
        if depth > 0 and entry.is_dir():
            yield from walk(Path(entry.path), suffixes, depth - 1)


def all_have_masks(path: str | os.PathLike, masked: Sequence[bool]) -> bool:
    """Return whether all objects have a mask, given for each whether it has one; warn if only some have."""
    without = len(masked) - sum(masked)
    if 0 < without < len(masked):
        warnings.warn(
            f"{path}: {without} of {len(masked)} annotations have no segmentation (only a rectangle), so "
            "no mask is used; draw polygons for them, or remove them from a copy of the file, to have masks",
            stacklevel=4,
        )
    return without == 0


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


OUTSIDE = 1.0  # pixel by which a box may reach out of its image: the rounding of annotation tools


def report_boxes(path: str | os.PathLike, boxes: Array, size: Size) -> None:
    """Report the boxes that have no area, or that lie wholly or partly outside of the image.

    Parameters
    ----------
    path : path
        The image.
    boxes : ndarray of shape (K, 4)
        As annotated, before `clip_boxes`.
    size : (height, width)
    """
    if not is_collecting():
        return
    height, width = size
    _, valid = clip_boxes(boxes, size)
    for (x1, y1, x2, y2), inside in zip(np.asarray(boxes, float).reshape(-1, 4).tolist(), valid, strict=True):
        shown = f"{x1:g}, {y1:g}, {x2:g}, {y2:g} (x1, y1, x2, y2)"
        out = max(-x1, -y1, x2 - width, y2 - height)
        if not (x2 > x1 and y2 > y1):
            report("empty-box", path, f"{shown} is {x2 - x1:g} wide and {y2 - y1:g} high", (x1, y1, x2, y2))
        elif not inside:
            report("lost-box", path, f"{shown} is outside of {width} x {height} pixels", (x1, y1, x2, y2))
        elif out > OUTSIDE:
            report("cut-box", path, f"{shown} reaches {out:g} pixels out of {width} x {height}", (x1, y1, x2, y2))


def kind_of_error(error: BrokenFileError) -> str:
    """Return the kind of problem that a broken file is: a key of `minivision.data.problems.KINDS`."""
    if error.kind is not None:
        return error.kind
    if not error.path.exists():
        return "missing-file"
    return "unreadable" if error.path.suffix.lower() in IMAGE_SUFFIXES else "wrong-annotation"


def warn_about_boxes(path: str | os.PathLike, dropped: int) -> None:
    """Give one warning for all boxes of a dataset that were dropped, if there are any."""
    if dropped:
        boxes = "1 box" if dropped == 1 else f"{dropped} boxes"
        message = f"{path}: dropped {boxes} without width or height inside the image"
        warnings.warn(message, MendedWarning, stacklevel=4)


def is_painted(label_map: Array, instances: Instances) -> bool:
    """Return whether a label map is the one that `paint_label_map` makes of the masks of the objects."""
    masks = instances.masks
    return masks is not None and np.array_equal(paint_label_map(masks, instances.labels, instances.crowd), label_map)


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
