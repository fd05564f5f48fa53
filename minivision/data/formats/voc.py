"""PASCAL VOC (http://host.robots.ox.ac.uk/pascal/VOC/), with its lists of images."""

from __future__ import annotations

from pathlib import Path

from minivision.data.files import is_hidden
from minivision.data.formats.format import Format, Found
from minivision.data.voc import Voc

__all__ = ["VOC"]


def recognize(root: Path) -> Found | None:
    """Recognize the lists of images in ``ImageSets/Main``."""
    lists = sorted(path for path in (root / "ImageSets" / "Main").glob("*.txt") if not is_hidden(path))
    if not lists or not (root / "Annotations").is_dir():
        return None
    names = [path.stem for path in lists if path.stem.rpartition("_")[2] not in ("train", "val", "trainval")]
    names = names or [path.stem for path in lists]
    return Found("voc", tuple(names), f"ImageSets/Main/{lists[0].name}")


VOC = Format("voc", "PASCAL VOC", "ImageSets/Main/NAME.txt and Annotations/*.xml", recognize, Voc)
