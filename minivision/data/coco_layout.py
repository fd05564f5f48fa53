"""Where the annotation file and the images of a dataset in COCO's format are, as annotation tools arrange them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from minivision.data.files import OTHER_NAMES, find_file, is_hidden, split_name
from minivision.data.images import BrokenFileError
from minivision.data.text import peek, read_json

__all__ = ["KINDS", "Layout", "find_layout", "is_coco_file", "loose_files", "split_of_image"]

KINDS = ("instances", "person_keypoints")  # of annotation files, in the order of the search
LARGE, _PEEK = 1 << 24, 1 << 16  # bytes of a file that is not read to recognize it, and of its parts that are
MOST_FILES = 50  # JSON files that are tried
LISTS = ("images", "annotations", "categories")  # of an annotation file
DEFAULT = "default"  # the split of tools that know none, as CVAT
IMAGE_FOLDERS = ("images", "data", "JPEGImages")


class Layout(NamedTuple):
    """An annotation file, folders that may hold its images, and whether it holds all splits."""

    annotations: Path
    folders: tuple[Path, ...]
    holds_all_splits: bool = False

    def find_image(self, file_name: str) -> Path:
        """Return the path of an image; one that need not exist, where no folder has the image.

        No path leads out of the folders: of a name with ``..``, and of an absolute one, only the last part counts.
        """
        return find_file(file_name, self.folders)


def is_coco_file(path: Path) -> bool:
    """Return whether a JSON file has COCO's three lists; False if it cannot be read.

    Of a file that takes long to read, the beginning and the end are looked at.
    """
    if path.is_file() and path.stat().st_size > LARGE:
        parts = peek(path, _PEEK) + peek(path, _PEEK, end=True)
        return sum(f'"{key}"'.encode() in parts for key in LISTS) >= 2
    try:
        data = read_json(path)
    except BrokenFileError:
        return False
    return isinstance(data, dict) and all(isinstance(data.get(key), list) for key in LISTS)


def loose_files(root: Path) -> dict[str, Path]:
    """Return COCO's files of any name, by the split that their names or folders tell; ``""`` if they tell none.

    ``train.json``, ``annotations/val_2024.json``, ``test/labels.json``, ``set/result.json``: the first file of a split,
    in the order of their paths.
    """
    paths = [*sorted(root.glob("*.json")), *sorted(root.glob("*/*.json"))]
    found: dict[str, Path] = {}
    for path in [each for each in paths if not is_hidden(each)][:MOST_FILES]:
        words = re.findall("[a-z]+", f"{path.relative_to(root).with_suffix('')}".lower())
        split = next((split_name(word) for word in words if split_name(word) in OTHER_NAMES), "")
        if split not in found and is_coco_file(path):
            found[split] = path
    return found


def find_layout(root: Path, split: str) -> Layout:
    """Find a split.

    Raises
    ------
    FileNotFoundError
        If there is no such split; the message lists those that are there.
    """
    if root.is_file():
        return _one_file(root)
    folder = root / "annotations"
    for name in (split, *OTHER_NAMES.get(split, ())):
        for path, full in _of_coco(folder, name):
            return Layout(path, _image_folders(root, full))
        path = root / name / "_annotations.coco.json"
        if path.is_file():
            return Layout(path, (path.parent, root))
    files = sorted(root.glob("*.json"))
    if not folder.is_dir() and len(files) == 1:
        return _one_file(files[0])
    for path, full in _of_coco(folder, DEFAULT):
        if len(list(folder.glob(f"{KINDS[0]}_*.json"))) <= 1:
            return Layout(path, _image_folders(root, full), holds_all_splits=True)
    splits = {path.stem.removeprefix(f"{kind}_") for kind in KINDS for path in folder.glob(f"{kind}_*.json")}
    splits |= {path.parent.name for path in root.glob("*/_annotations.coco.json")}
    loose = {} if splits else loose_files(root)
    if len(loose) == 1:
        return _one_file(next(iter(loose.values())))
    if split_name(split) in loose:
        path, usual = loose[split_name(split)], split_name(split)
        names = (usual, *OTHER_NAMES.get(usual, ()), path.stem)
        folders = [folder for name in names for folder in _image_folders(root, name)] + [*_one_file(path).folders]
        return Layout(path, tuple(dict.fromkeys(folders)))
    splits |= set(loose) - {""}
    if not splits and not folder.is_dir():
        raise FileNotFoundError(
            f"{root} is not a dataset in COCO's format: it has no folder 'annotations', and no JSON file, or several; "
            "name one with coco:FILE.json"
        )
    raise FileNotFoundError(
        f"{folder} has no instances_{split}.json; splits that are there: {', '.join(sorted(splits)) or 'none'}"
    )


def _image_folders(root: Path, split: str) -> tuple[Path, ...]:
    folders = (root / split, *(root / part / split for part in IMAGE_FOLDERS))
    folders += (*(root / part for part in IMAGE_FOLDERS), root)
    return tuple(folder for folder in folders if folder.is_dir())


def split_of_image(file_name: str) -> str | None:
    """Return the split that a folder in the name of an image tells, as in ``train/street.jpg``; None without one."""
    folders = PurePosixPath(file_name.replace("\\", "/")).parts[:-1]
    return next((split_name(part) for part in folders if split_name(part) in OTHER_NAMES), None)


def _of_coco(folder: Path, split: str) -> Iterator[tuple[Path, str]]:
    """Yield ``annotations/KIND_SPLIT.json`` and the full name of the split, such as ``train2017`` for ``train``."""
    for kind in KINDS:
        name = split.removeprefix(f"{kind}_")  # person_keypoints_train asks for that file
        if any(split.startswith(f"{other}_") for other in KINDS if other != kind):
            continue
        exact = folder / f"{kind}_{name}.json"
        files = [exact] if exact.is_file() else sorted(folder.glob(f"{kind}_{name}[0-9]*.json"))
        if len(files) == 1:
            yield files[0], files[0].stem.removeprefix(f"{kind}_")


def _one_file(path: Path) -> Layout:
    parent = path.parent
    folders = [parent, *(parent / name for name in IMAGE_FOLDERS), *(parent.parent / name for name in IMAGE_FOLDERS)]
    return Layout(path, tuple(folder for folder in folders if folder.is_dir()), holds_all_splits=True)
