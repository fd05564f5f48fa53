"""What the writers of predictions have in common."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from minivision.core.atomic import atomic_write
from minivision.core.types import Size
from minivision.data.instances import Instances

__all__ = ["PredictedImage", "PredictionWriter"]


class PredictedImage(NamedTuple):
    """An image whose objects were predicted: its file, the name of its results without suffix, its height and width."""

    path: Path
    name: str
    size: Size


class PredictionWriter:
    """Writes the objects that were predicted in images: `add` each image, then `finish`.

    Parameters
    ----------
    folder : path
    classes : sequence of str
        Names of the classes, the background first.
    keypoint_names : sequence of str
    """

    certain_only: ClassVar[bool] = False  # whether it is for objects that are probably there, not for rankings

    def __init__(self, folder: str | os.PathLike, classes: Sequence[str], keypoint_names: Sequence[str] = ()) -> None:
        self.folder, self.classes, self.keypoint_names = Path(folder), tuple(classes), tuple(keypoint_names)

    def check(self, names: Sequence[str]) -> None:
        """Raise FileExistsError if a file that may hold somebody's work would be overwritten."""

    def add(self, image: PredictedImage, instances: Instances) -> None:
        """Take the objects of one image; formats with a file for each image write it now."""
        raise NotImplementedError(f"{type(self).__name__} does not write objects yet")

    def finish(self) -> None:
        """Write what is about all images."""

    def _write(self, name: str, text: str) -> None:
        """Write a text file in the folder, which appears when it is complete."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="\n")


def kinds_of(instances: Instances) -> list[str]:
    """Return what objects have: ``"boxes"``, perhaps ``"masks"`` and ``"joints"``."""
    kinds = ["boxes", *(["masks"] if instances.has_masks else [])]
    return kinds + (["joints"] if instances.keypoints is not None else [])
