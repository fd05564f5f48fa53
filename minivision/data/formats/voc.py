"""PASCAL VOC (http://host.robots.ox.ac.uk/pascal/VOC/), with its lists of images or without."""

from __future__ import annotations

from pathlib import Path

from minivision.data.files import FileDataset, is_hidden
from minivision.data.formats.format import Format, Found
from minivision.data.formats.loose_voc import first_annotation, open_loose_voc, split_folders
from minivision.data.voc import Voc

__all__ = ["VOC", "open_split"]

PARTS = ("train", "val", "trainval", "test")  # behind the name of a class, in lists of one class


def recognize(root: Path) -> Found | None:
    """Recognize the lists of images in ``ImageSets/Main``, or XML files of annotations."""
    lists = _lists(root)
    if lists:
        names = [path.stem for path in lists if path.stem in PARTS or path.stem.rpartition("_")[2] not in PARTS]
        return Found("voc", tuple(names), f"ImageSets/Main/{lists[0].name}")
    first = first_annotation(root)
    if first is None or _set_below(root, first):
        return None
    splits = tuple(split_folders(root))
    return Found("voc", splits if len(splits) > 1 else (), first.relative_to(root).as_posix())


def open_split(root: Path, split: str, *, skip_broken: bool = False) -> FileDataset:
    """Open a split of the lists of images, or without them of folders with the names of splits."""
    first = None if _lists(root) else first_annotation(root)
    if first is None:
        return Voc(root, split, skip_broken=skip_broken)
    below = _set_below(root, first)
    if below:
        raise FileNotFoundError(f"{root} holds a set with ImageSets/Main, whose splits count: name it, voc:{below}")
    return open_loose_voc(root, split, skip_broken=skip_broken)


def _lists(root):
    paths = sorted(path for path in (root / "ImageSets" / "Main").glob("*.txt") if not is_hidden(path))
    return paths if (root / "Annotations").is_dir() else []


def _set_below(root, first):
    """Return the folder between a root and its first XML file that has lists of images, as in VOCdevkit/VOC2007."""
    between = [folder for folder in first.parents if folder != root and folder.is_relative_to(root)]
    return next((folder for folder in between if _lists(folder)), None)


VOC = Format(
    "voc",
    "PASCAL VOC",
    "ImageSets/Main/NAME.txt and Annotations/*.xml, or XML files of annotations beside images or in another folder",
    recognize,
    open_split,
)
