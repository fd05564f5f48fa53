"""Opening a dataset that is given as a short text, as on the command line."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence
from pathlib import Path

from minivision.data.dataset import Dataset
from minivision.data.files import FileDataset
from minivision.data.formats import FORMATS
from minivision.data.recognition import recognize
from minivision.data.scenes import Scenes

__all__ = ["DataSpec", "open_dataset"]

AUTO = "auto"  # the kind of data whose format is to be found out
MAX_NAMES = 5  # of classes, in a line that describes a dataset
READERS = {form.kind: form for form in FORMATS}

_LOGGER = logging.getLogger("minivision")


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """A kind of dataset and its folder; `parse` reads it from a text, and ``str`` writes it.

    Attributes
    ----------
    kind : str
        ``"scenes"``, a key of ``READERS``, or ``"auto"``: to be found out by `resolved`.
    folder : pathlib.Path or None
        As it was given; None for scenes. For some formats it may also be a file.
    """

    kind: str
    folder: Path | None = None

    @classmethod
    def parse(cls, text: str | os.PathLike | DataSpec) -> DataSpec:
        """Read ``scenes``, ``KIND:FOLDER`` with a kind of ``READERS``, such as ``coco:FOLDER``, or ``auto:FOLDER``.

        The path of a folder or file that exists means ``auto:``.

        Raises
        ------
        ValueError
            If the text is none of these.
        """
        if isinstance(text, DataSpec):
            return text
        kind, _, folder = str(text).partition(":")
        if kind == "scenes" and not folder and not isinstance(text, os.PathLike):
            return cls(kind)
        if kind in (AUTO, *READERS) and folder:
            return cls(kind, Path(folder))
        if str(text) and os.path.exists(os.path.expanduser(text)):
            return cls(AUTO, Path(text))
        *forms, last = "'scenes'", "a folder that exists", *(f"'{each}:FOLDER'" for each in (AUTO, *READERS))
        raise ValueError(f"a dataset is {', '.join(forms)} or {last}; got {text!r}")

    @staticmethod
    def is_like(text: str) -> bool:
        """Return whether a text starts with a kind of dataset, as a text for `parse` does, and a file rarely."""
        return text.partition(":")[0] in ("scenes", AUTO, *READERS)

    def resolved(self) -> DataSpec:
        """Return the same dataset with the kind that its folder is recognized as, if it is ``auto``.

        Raises
        ------
        FileNotFoundError, UnknownFormatError
            As `recognize`.
        """
        if self.kind != AUTO or self.folder is None:
            return self
        root, (found, *others) = recognize(self.folder.expanduser())
        if others:
            also = " or ".join(f"{each.kind}:{root} ({each.evidence})" for each in others)
            _LOGGER.info("%s is taken for %s (%s); if it is not, write %s", root, found.kind, found.evidence, also)
        return DataSpec(found.kind, root)

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
        captions: bool = False,
        without: Sequence[str] = (),
        skip_broken: bool = False,
    ) -> Dataset:
        """Open a split of the dataset; parameters and errors are those of `open_dataset`."""
        if self.folder is None:
            return Scenes(level, split, seed, objects, classes, scene_size, captions, without)
        if self.kind == AUTO:
            return self.resolved().open(split, skip_broken=skip_broken)
        root = self.folder.expanduser()
        if not root.exists():
            raise FileNotFoundError(f"{self}: there is no folder {root}")
        dataset = READERS[self.kind].open(root, split, skip_broken=skip_broken)
        self._describe(root, split, dataset)
        return dataset

    def _describe(self, root: Path, split: str, dataset: FileDataset) -> None:
        """Say in one line what was opened."""
        form, objects = READERS[self.kind], dataset.count_objects()
        found = form.recognize(root)
        names = dataset.classes[1:]
        by = f", by {found.evidence}" if found else ""
        of = f" of {', '.join(found.splits)}" if found and found.splits else ""
        counts = [_counted(len(dataset), "image"), *([] if objects is None else [_counted(objects, "object")])]
        counts.append("1 class" if len(names) == 1 else f"{len(names)} classes")
        shown = ", ".join(names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")
        place = f"{root}: {form.title} ({form.kind}:{by}), split {split}{of}"
        _LOGGER.info("%s: %s (%s)", place, ", ".join(counts), shown)


def _counted(number, word):
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def open_dataset(
    spec: str | os.PathLike | DataSpec,
    *,
    split: str,
    level: str = "hard",
    seed: int = 0,
    objects: int | tuple[int, int] = (1, 6),
    classes: Sequence[str] | None = None,
    scene_size: int = 128,
    captions: bool = False,
    without: Sequence[str] = (),
    skip_broken: bool = False,
) -> Dataset:
    """Open a dataset.

    Parameters
    ----------
    spec : str, path or DataSpec
        ``scenes``: drawn by the computer, see `Scenes`. The path of a folder, or of a file of annotations: its format
        is found out, see `minivision.data.recognition`. ``KIND:FOLDER``, such as ``coco:FOLDER``, names one of
        `minivision.data.formats`; a page of the documentation shows the files of each.
    split : str
        Which part: ``"train"``, ``"val"``, or another one that the dataset has.
    level, seed, objects, classes, captions, without
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
        If there is no such kind of dataset, split or level, or the format of a folder is not known.
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
        captions=captions,
        without=without,
        skip_broken=skip_broken,
    )
