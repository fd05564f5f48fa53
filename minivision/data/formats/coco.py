"""COCO's JSON (https://cocodataset.org/#format-data), as COCO, Roboflow, CVAT, Label Studio and others arrange it."""

from __future__ import annotations

from pathlib import Path

from minivision.data.coco import Coco
from minivision.data.coco_layout import KINDS, is_coco_file
from minivision.data.files import split_name
from minivision.data.formats.format import Format, Found

__all__ = ["COCO"]


def recognize(root: Path) -> Found | None:
    """Recognize annotation files by their names, and a single JSON file by its lists."""
    if root.is_file():
        return Found("coco", (), root.name) if root.suffix.lower() == ".json" and is_coco_file(root) else None
    files = [path for kind in KINDS for path in sorted((root / "annotations").glob(f"{kind}_*.json"))]
    if files:
        names = {path.stem.removeprefix(f"{kind}_") for kind in KINDS for path in files if path.stem.startswith(kind)}
        return Found("coco", tuple(sorted(names - {"default"})), f"annotations/{files[0].name}")
    files = sorted(root.glob("*/_annotations.coco.json"))
    if files:
        names = {split_name(path.parent.name) for path in files}
        return Found("coco", tuple(sorted(names)), f"{files[0].parent.name}/{files[0].name}")
    files = sorted(root.glob("*.json"))
    if len(files) == 1 and is_coco_file(files[0]):
        return Found("coco", (), files[0].name)
    return None


COCO = Format(
    "coco",
    "COCO's JSON",
    "annotations/instances_NAME.json, NAME/_annotations.coco.json, or one JSON file with lists of images, annotations "
    "and categories",
    recognize,
    Coco,
)
