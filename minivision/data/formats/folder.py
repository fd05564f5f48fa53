"""Label maps: a folder of images and a folder of PNG files whose pixel values are classes."""

from __future__ import annotations

from pathlib import Path

from minivision.data.files import walk
from minivision.data.folder import LabelFolder
from minivision.data.formats.format import Format, Found
from minivision.data.images import BrokenFileError, has_colors

__all__ = ["FOLDER"]


def recognize(root: Path) -> Found | None:
    """Recognize folders of images and of label maps that are gray or have a palette."""
    splits = tuple(sorted(path.parent.name for path in root.glob("*/images") if _has_label_maps(path.parent)))
    if splits:
        return Found("folder", splits, f"{splits[0]}/images and PNG files in {splits[0]}/labels")
    return Found("folder", (), "images and PNG files in labels") if _has_label_maps(root) else None


def _has_label_maps(folder):
    first = next(walk(folder / "labels", [".png"], depth=0), None)
    try:
        return first is not None and (folder / "images").is_dir() and not has_colors(first)
    except BrokenFileError:
        return False


FOLDER = Format(
    "folder",
    "images and label maps",
    "NAME/images and NAME/labels, or images and labels, with PNG files whose pixel values are classes",
    recognize,
    LabelFolder,
)
