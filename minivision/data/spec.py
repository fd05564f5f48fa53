"""Opening a dataset that is given as a short text, as on the command line."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from minivision.data.coco import Coco
from minivision.data.dataset import Dataset
from minivision.data.folder import LabelFolder
from minivision.data.scenes import Scenes
from minivision.data.voc import Voc

__all__ = ["DataSpec", "open_dataset"]

READERS = {"coco": Coco, "voc": Voc, "folder": LabelFolder}


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """A kind of dataset and its folder; `parse` reads it from a text, and ``str`` writes it.

    Attributes
    ----------
    kind : str
        ``"scenes"``, or a key of ``READERS``.
    folder : pathlib.Path or None
        As it was given; None for scenes. For COCO's format it may also be a JSON file.
    """

    kind: str
    folder: Path | None = None

    @classmethod
    def parse(cls, text: str | DataSpec) -> DataSpec:
        """Read ``scenes``, or ``KIND:FOLDER`` with a kind of ``READERS``, such as ``coco:FOLDER``.

        Raises
        ------
        ValueError
            If the text is none of these.
        """
        if isinstance(text, DataSpec):
            return text
        kind, _, folder = str(text).partition(":")
        if kind == "scenes" and not folder:
            return cls(kind)
        if kind not in READERS or not folder:
            *forms, last = "'scenes'", *(f"'{reader}:FOLDER'" for reader in READERS)
            raise ValueError(f"a dataset is {', '.join(forms)} or {last}; got {text!r}")
        return cls(kind, Path(folder))

    @staticmethod
    def is_like(text: str) -> bool:
        """Return whether a text starts with a kind of dataset, as a text for `parse` does, and a file rarely."""
        return text.partition(":")[0] in ("scenes", *READERS)

    def absolute(self) -> DataSpec:
        """Return the same dataset with an absolute path; a folder that does not exist stays as it was given."""
        path = self.folder.expanduser() if self.folder else None
        return dataclasses.replace(self, folder=path.resolve()) if path and path.exists() else self

    @property
    def name(self) -> str:
        """The name of the folder without its parents, or ``"scenes"``: short, for titles."""
        return self.kind if self.folder is None else self.folder.name

    def __str__(self) -> str:
        return self.kind if self.folder is None else f"{self.kind}:{self.folder}"

    def open(
        self,
        split: str,
        *,
        level: str = "hard",
        seed: int = 0,
        objects: int | tuple[int, int] = (1, 6),
        classes: Sequence[str] | None = None,
        scene_size: int = 128,
        skip_broken: bool = False,
    ) -> Dataset:
        """Open a split of the dataset; parameters and errors are those of `open_dataset`."""
        if self.folder is None:
            return Scenes(level, split, seed, objects, classes, scene_size)
        root = self.folder.expanduser()
        if not root.is_dir() and not (self.kind == "coco" and root.is_file()):
            raise FileNotFoundError(f"{self}: there is no folder {root}")
        return READERS[self.kind](root, split, skip_broken=skip_broken)


def open_dataset(
    spec: str | DataSpec,
    *,
    split: str,
    level: str = "hard",
    seed: int = 0,
    objects: int | tuple[int, int] = (1, 6),
    classes: Sequence[str] | None = None,
    scene_size: int = 128,
    skip_broken: bool = False,
) -> Dataset:
    """Open a dataset.

    Parameters
    ----------
    spec : str or DataSpec
        ``scenes``: drawn by the computer, see `Scenes`. ``coco:FOLDER`` (or ``coco:FILE.json``), ``voc:FOLDER``: files
        in the formats of COCO and PASCAL VOC. ``folder:FOLDER``: images and label maps. See `Coco`, `Voc` and
        `LabelFolder`.
    split : str
        Which part: ``"train"``, ``"val"``, or another one that the dataset has.
    level, seed, objects, classes
        For scenes only, as in `Scenes`.
    scene_size : int
        For scenes only: the side of a drawn scene in pixels; `size` in `Scenes`.
    skip_broken : bool
        For files only: whether to leave out images that cannot be read, with a warning that names them,
        instead of raising `BrokenFileError`. Every image is then decoded once at opening.

    Returns
    -------
    dataset : Dataset

    Raises
    ------
    ValueError
        If there is no such kind of dataset, split or level.
    FileNotFoundError
        If a folder or a file that belongs to a dataset of this kind is missing.
    BrokenFileError
        If a file is damaged; it is a ValueError.
    """
    return DataSpec.parse(spec).open(
        split,
        level=level,
        seed=seed,
        objects=objects,
        classes=classes,
        scene_size=scene_size,
        skip_broken=skip_broken,
    )
