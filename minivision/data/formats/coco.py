"""COCO's JSON (https://cocodataset.org/#format-data), as COCO, Roboflow, CVAT, Label Studio and others arrange it."""

from __future__ import annotations

from pathlib import Path

from minivision.data.coco import Coco
from minivision.data.coco_layout import KINDS, is_coco_file, loose_files
from minivision.data.files import OTHER_NAMES, split_name
from minivision.data.formats.format import Format, Found

__all__ = ["COCO"]


def recognize(root: Path) -> Found | None:
    """Recognize annotation files by their names, and JSON files of other names by their lists."""
    if root.is_file():
        return Found("coco", (), root.name) if root.suffix.lower() == ".json" and is_coco_file(root) else None
    files = [path for kind in KINDS for path in sorted((root / "annotations").glob(f"{kind}_*.json"))]
    if files:
        names = {path.stem.removeprefix(f"{kind}_") for kind in KINDS for path in files if path.stem.startswith(kind)}
        return Found("coco", _in_order(names - {"default"}), f"annotations/{files[0].name}")
    files = sorted(root.glob("*/_annotations.coco.json"))
    if files:
        names = {split_name(path.parent.name) for path in files}
        return Found("coco", _in_order(names), f"{files[0].parent.name}/{files[0].name}")
    loose = loose_files(root)
    if loose:
        splits = tuple(split for split in OTHER_NAMES if split in loose) if len(loose) > 1 else ()
        return Found("coco", splits, next(iter(loose.values())).relative_to(root).as_posix())
    return None


def _in_order(names):
    """Return names of splits, training first."""
    usual = [name for name in OTHER_NAMES if name in names]
    return (*usual, *sorted(set(names) - set(usual)))


COCO = Format(
    "coco",
    "COCO's JSON",
    "annotations/instances_NAME.json, NAME/_annotations.coco.json, or JSON files with lists of images, annotations and "
    "categories",
    recognize,
    Coco,
)
