"""Which splits a dataset has."""

from __future__ import annotations

from pathlib import Path

from minivision.data.coco_layout import DEFAULT, KINDS
from minivision.data.files import is_hidden
from minivision.data.scenes import SPLITS
from minivision.data.spec import DataSpec

__all__ = ["list_splits"]

PARTS = ("train", "val")  # of images that are all in one place
USUAL = ("train", "val", "test")  # tried where a format has no list
WHOLE = ("trainval", "all")  # lists that are made of others


def list_splits(spec: str | DataSpec) -> list[str]:
    """Return the names of the splits of a dataset, ``train`` first.

    Lists that are made of others, such as VOC's ``trainval`` and its lists of one class, are left out.

    Raises
    ------
    FileNotFoundError
        If the folder or file does not exist, or there is no split.
    """
    spec = DataSpec.parse(spec)
    if spec.folder is None:
        return list(SPLITS)
    root = spec.folder.expanduser()
    if not root.exists():
        raise FileNotFoundError(f"{spec}: there is no folder {root}")
    find = {"coco": _of_coco, "voc": _of_voc, "folder": _of_folder}.get(spec.kind)
    names = find(root) if find else [name for name in USUAL if _opens(spec, name)]
    if not names:
        spec.open("train")  # says what is missing
        raise FileNotFoundError(f"{spec} has no split")
    return sorted(names, key=lambda name: (not name.startswith("train"), not name.startswith("val"), name))


def _of_coco(root: Path) -> list[str]:
    if root.is_file():
        return list(PARTS)
    folder = root / "annotations"
    by_kind = [sorted(path.stem.removeprefix(f"{kind}_") for path in folder.glob(f"{kind}_*.json")) for kind in KINDS]
    names = set(by_kind[0] or by_kind[1]) | {path.parent.name for path in root.glob("*/_annotations.coco.json")}
    if names - {DEFAULT}:
        return list(names)
    return list(PARTS) if names or not folder.is_dir() and len(list(root.glob("*.json"))) == 1 else []


def _of_voc(root: Path) -> list[str]:
    names = {path.stem for path in (root / "ImageSets" / "Main").glob("*.txt") if not is_hidden(path)}
    of_class = {name for name in names if any(name.endswith(f"_{other}") for other in names)}
    return list(names - of_class - set(WHOLE)) or list(names)


def _of_folder(root: Path) -> list[str]:
    names = [path.parent.name for path in root.glob("*/images") if path.is_dir()]
    return names or (list(PARTS) if (root / "images").is_dir() else [])


def _opens(spec: DataSpec, name: str) -> bool:
    try:
        spec.open(name)
    except FileNotFoundError:
        return False
    except ValueError:  # broken, but there
        return True
    return True
