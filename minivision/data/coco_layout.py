"""Where the annotation file and the images of a dataset in COCO's format are, as annotation tools arrange them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from minivision.data.files import OTHER_NAMES, find_file
from minivision.data.images import BrokenFileError
from minivision.data.text import read_json

__all__ = ["KINDS", "Layout", "find_layout", "is_coco_file"]

KINDS = ("instances", "person_keypoints")  # of annotation files, in the order of the search
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
    """Return whether a JSON file has COCO's three lists; False if it cannot be read."""
    try:
        data = read_json(path)
    except BrokenFileError:
        return False
    return isinstance(data, dict) and all(isinstance(data.get(key), list) for key in LISTS)


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
