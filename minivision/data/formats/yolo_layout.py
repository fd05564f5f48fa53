"""Where the images, labels and names of a dataset in YOLO's format are, as tools arrange them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minivision.data.files import IMAGE_SUFFIXES, OTHER_NAMES, find_file, one_split, split_name, walk
from minivision.data.formats.yolo_labels import is_label_file
from minivision.data.images import BrokenFileError
from minivision.data.text import read_lines
from minivision.data.yaml_subset import read_yaml

__all__ = ["YoloLayout", "find_layout", "label_path"]

DESCRIPTIONS = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")  # the first ones that are looked for
LISTS_OF_NAMES = ("classes.txt", "obj.names", "_darknet.labels", "train/_darknet.labels")
DARKNET = "obj.data"
SPLITS = ("train", "val", "test")
DEPTH = 2  # of folders in which images are, as in images/train
TRIED = 50  # images whose labels show the format, where no file describes the set


@dataclass(frozen=True)
class YoloLayout:
    """What a set consists of.

    Attributes
    ----------
    source : pathlib.Path
        The file that describes it, or its folder, for messages.
    folders : sequence of pathlib.Path
        Where images are looked for. No name in a file leads out of them.
    splits : dict
        Name of a split -> folders of images, or text files that list images.
    names : sequence of str, optional
        Names of the classes from 0 on; None if nothing tells them.
    description : dict
        The content of ``data.yaml``.
    """

    source: Path
    folders: Sequence[Path]
    splits: dict[str, list[Path]]
    names: Sequence[Any] | None = None
    description: dict[str, Any] = field(default_factory=dict)

    @property
    def is_divided(self) -> bool:
        """Whether there are several splits; what is in one place is divided by the names of the images."""
        return len(self.splits) > 1

    def images(self, split: str) -> list[Path]:
        """Return the paths of the images of a split.

        Raises
        ------
        FileNotFoundError
            If there is no such split, or it has no images.
        """
        if not self.is_divided:
            images = self.images_of(next(iter(self.splits), ""))
            return one_split(images, split, self.source, lambda path: path.name)
        if split_name(split) not in self.splits:
            there = ", ".join(self.splits)
            raise FileNotFoundError(f"{self.source} has no split {split!r}; splits that are there: {there}")
        return self.images_of(split_name(split))

    def images_of(self, split: str) -> list[Path]:
        """Return the paths of the images in the folders and lists of a split."""
        images: list[Path] = []
        for place in self.splits.get(split, ()):
            if os.path.isdir(place):  # False, not an error, for a name that no folder can have
                images += walk(place, IMAGE_SUFFIXES, depth=8)
            elif os.path.isfile(place):
                images += [find_file(line, [place.parent, *self.folders]) for line in read_lines(place)]
        if not images:
            places = " and ".join(map(str, self.splits.get(split, ()))) or str(self.source)
            raise FileNotFoundError(f"{self.source}: there are no images of the split {split!r} in {places}")
        return list(dict.fromkeys(images))


def find_layout(root: Path) -> YoloLayout | None:
    """Return the layout of a folder, or of a file that describes a set; None if it is none of YOLO's.

    Raises
    ------
    BrokenFileError
        If a file that describes the set cannot be used.
    """
    if root.is_file():
        if root.suffix.lower() in (".yaml", ".yml"):
            return _described(root)
        return _of_darknet(root) if root.suffix.lower() == ".data" else None
    for path in (*(root / name for name in DESCRIPTIONS), *sorted(root.glob("*.y*ml"))):
        layout = _described(path, required=path.name in DESCRIPTIONS) if path.is_file() else None
        if layout:
            return layout
    if (root / DARKNET).is_file():
        return _of_darknet(root / DARKNET)
    return _undescribed(root)


def _described(path, required=True):
    """Return what ``data.yaml`` describes; None if the file is about something else."""
    try:
        content = read_yaml(path)
    except BrokenFileError:
        if required:
            raise
        return None
    given = {split: content[key] for split in SPLITS for key in (split, *OTHER_NAMES[split]) if content.get(key)}
    if not (content.get("names") or content.get("nc")) or not (given or required):
        return None
    folders = [path.parent]
    if content.get("path"):
        base = Path(os.path.normpath(path.parent / _text(path, content, "path")))  # an absolute one stays as it is
        folders = [base, path.parent] if os.path.isdir(base) else folders
    splits = {split: _places(path, folders, split, value) for split, value in given.items()}
    _check_are_apart(path, given, splits)
    splits = splits or _split_folders(path.parent)  # some tools write the names alone
    return YoloLayout(path, folders, splits, _names(path, content), content)


def _text(path, content, key):
    if not isinstance(content[key], str):
        raise BrokenFileError(path, f"{key} should be a text, got {content[key]!r:.60}")
    return content[key]


def _places(path, folders, split, value):
    """Return the folders and lists of a split."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str) for each in values):
        raise BrokenFileError(path, f"{split} should be a folder, a text file, or a list of these, got {value!r:.60}")
    return [_place(each, folders) for each in values]


def _place(name, folders):
    """Return a folder or a list of images: in ``path`` exactly, else in the folder of the description."""
    base = Path(os.path.normpath(folders[0]))
    path = Path(os.path.normpath(base / name))
    if path.is_relative_to(base) and os.path.exists(path):
        return path
    return find_file(name, folders[-1:], os.path.exists)


def _check_are_apart(path, given, splits):
    """Raise BrokenFileError if splits that are said to be in different places were found in the same."""
    for one, other in itertools.combinations(splits, 2):
        if splits[one] == splits[other] and given[one] != given[other]:
            raise BrokenFileError(
                path,
                f"{one}, {given[one]!r:.60}, and {other}, {given[other]!r:.60}, are not where it says, and what "
                f"is there of their names is one folder, {splits[one][0]}; write where the images of each are",
            )


def _names(path, content):
    """Return the names of the classes, from 0 on."""
    names, count = content.get("names"), content.get("nc")
    if count is not None and not (isinstance(count, str) and count.isascii() and count.isdigit()):
        raise BrokenFileError(path, f"nc should be the number of classes, got {count!r:.60}")
    if isinstance(names, dict):
        missing = [str(number) for number in range(len(names)) if str(number) not in names]
        if missing:
            raise BrokenFileError(
                path, f"names has {len(names)} classes, which should be 0 to {len(names) - 1}, but none is {missing[0]}"
            )
        names = [names[str(number)] for number in range(len(names))]
    if names is None:
        names = [f"class_{number}" for number in range(int(count))]
    if not isinstance(names, list):
        raise BrokenFileError(path, f"names should be a list, or a map from 0 on, got {names!r:.60}")
    if count is not None and int(count) != len(names):
        raise BrokenFileError(path, f"nc is {count}, but there are {len(names)} names; correct one of them")
    return names


def _of_darknet(path):
    """Return what ``obj.data`` describes: lines ``key = value`` with lists of images and a file of names."""
    content = dict(line.split("=", 1) for line in read_lines(path) if "=" in line)
    content = {key.strip(): value.strip() for key, value in content.items()}
    folders = [path.parent]
    given = {split: content[key] for split in SPLITS for key in (split, *OTHER_NAMES[split]) if content.get(key)}
    if not given or not content.get("names"):
        raise BrokenFileError(path, "it should have lines 'train = FILE' and 'names = FILE'")
    splits = {split: [find_file(value, folders)] for split, value in given.items()}
    return YoloLayout(path, folders, splits, read_lines(find_file(content["names"], folders)))


def _undescribed(root):
    """Return the layout of folders of images and labels that no file describes."""
    if not root.is_dir():
        return None
    shown = next((path for path in _labels_of_first_images(root) if is_label_file(path)), None)
    if shown is None:
        return None
    path = next((root / name for name in LISTS_OF_NAMES if (root / name).is_file()), None)
    names = None if path is None else read_lines(path)
    return YoloLayout(path or root, [root], _split_folders(root), names)


def _split_folders(root):
    """Return the folders that have the name of a split, and images; else all images are in one place."""
    splits: dict[str, list[Path]] = {}
    for folder in sorted(itertools.chain(root.glob("*"), root.glob("images/*"))):
        if split_name(folder.name) in SPLITS and next(walk(folder, IMAGE_SUFFIXES), None):
            splits.setdefault(split_name(folder.name), []).append(folder)
    return {split: splits[split] for split in SPLITS if split in splits} or {"all": [root]}


def _labels_of_first_images(root):
    images = itertools.islice(walk(root, IMAGE_SUFFIXES, depth=DEPTH), TRIED)
    return (path for image in images if (path := label_path(image, [root])))


def label_path(image: Path, folders: Sequence[Path]) -> Path | None:
    """Return the text file of an image, None if there is none.

    It has the name of the image, and lies beside it, or where ``labels`` stands instead of the last ``images`` of the
    path, as far as that is inside one of the folders. What has its name but is no file, such as a link that leads
    nowhere, counts: reading it is an error, and not an image without objects.
    """
    for folder in folders:
        if image.parent.is_relative_to(folder):
            parts = image.parent.relative_to(folder).parts
            if "images" in parts:
                last = len(parts) - 1 - parts[::-1].index("images")
                path = _text_of(image, folder.joinpath(*parts[:last], "labels", *parts[last + 1 :]))
                if path:
                    return path
    return _text_of(image, image.parent)


def _text_of(image, folder):
    """Return the text file of an image in a folder, with a suffix in either case; None if there is none."""
    paths = (folder / f"{image.stem}{suffix}" for suffix in (".txt", ".TXT"))
    return next((path for path in paths if os.path.lexists(path)), None)
