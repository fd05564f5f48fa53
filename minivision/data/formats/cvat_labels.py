"""The labels that CVAT's XML files list: classes, and the joints of skeletons."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from minivision.data.class_names import is_background
from minivision.data.images import BrokenFileError

__all__ = ["Labels", "read_labels"]

NO_CLASSES = ("tag", "polyline", "points", "cuboid")  # types of labels of which no object is read


class Labels:
    """Labels of several files, in the order of their first file.

    Attributes
    ----------
    names : list of str
        Classes.
    skeletons : dict
        Class -> names of its joints.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.skeletons: dict[str, tuple[str, ...]] = {}

    def add(self, other: Labels) -> None:
        """Add the labels of another file that are new."""
        self.names += [name for name in other.names if name not in self.names]
        self.skeletons.update(other.skeletons)

    @property
    def joints(self) -> tuple[str, ...]:
        """The names of the joints, if all skeletons have the same ones."""
        different = sorted(set(self.skeletons.values()))
        return different[0] if len(different) == 1 else ()

    def warn_about_joints(self, path: Path) -> None:
        """Warn if skeletons have different joints."""
        if len(set(self.skeletons.values())) > 1:
            warnings.warn(
                f"{path}: the skeletons {', '.join(self.skeletons)} have different joints, and a model has one list of "
                "joints, so none is read; keep the skeletons of one label",
                stacklevel=4,
            )


def read_labels(path: Path, root: Any) -> Labels:
    """Return the labels of a file's ``<meta>``, from its outermost element; none where it lists none."""
    labels = Labels()
    meta = root.find("meta")
    for element in [] if meta is None else meta.iter("label"):
        name = (element.findtext("name") or "").strip()
        kind, parent = (element.findtext(key) or "" for key in ("type", "parent"))
        if not name:
            raise BrokenFileError(path, "a <label> has no <name>")
        if parent.strip():
            joints = labels.skeletons.get(parent.strip(), ())
            labels.skeletons[parent.strip()] = joints if name in joints else (*joints, name)
        elif kind.strip() not in NO_CLASSES and not is_background(name) and name not in labels.names:
            labels.names.append(name)
    return labels
