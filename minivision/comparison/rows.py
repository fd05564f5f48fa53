"""Comparisons: their rows, the measurements of each, and the common settings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from minivision.data import Dataset, Scenes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.comparison.table import Column
    from minivision.models.base.model import Model

Table: TypeAlias = "Mapping[str, Mapping[str, Any]]"  # title of a row -> its measurements; empty if not done yet


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a comparison.

    Attributes
    ----------
    group, name : str
        Heading of the group that it belongs to, and its name there.
    run : str
        Folder of its training. Rows of one run have the same weights; the first of them defines the training.
    system : str
        Name of the system.
    options : dict
        Options of the system, besides its defaults.
    variant : dict
        Options that are changed after training. If the comparison measures the quality once for a run, they must not
        change the predictions.
    size : int, optional
        After training, images are resized to squares of this side for prediction; by default not.
    """

    group: str
    name: str
    run: str
    system: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    variant: dict[str, Any] = dataclasses.field(default_factory=dict)
    size: int | None = None

    @property
    def title(self) -> str:
        """Name of the row outside the table."""
        return f"{self.group}, {self.name}" if self.name else self.group


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A comparison of systems: its rows and columns, its measurements, its notes and its figure.

    Attributes
    ----------
    name : str
    rows : tuple of Row
    columns : tuple of minivision.comparison.table.Column
    quality : callable
        ``quality(model, scenes)`` returns the accuracy of a model; called once for a run, or for each row.
    costs : callable
        ``costs(model, scenes)`` returns the costs of a model.
    notes : callable
        ``notes(table)`` returns the paragraphs below the table. A table maps the title of each row to its measurements,
        which are empty if the row is not done yet.
    draw : callable
        ``draw(table, settings)`` returns a matplotlib Figure.
    quality_of_rows : bool
        Whether the predictions of rows of one run differ.
    """

    name: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    quality: Callable[[Model, Dataset], dict[str, Any]]
    costs: Callable[[Model, Dataset], dict[str, Any]]
    notes: Callable[[Table], list[str]]
    draw: Callable[[Table, ComparisonSettings], Figure]
    quality_of_rows: bool = False


@dataclasses.dataclass(frozen=True)
class ComparisonSettings:
    """Settings that all rows of a comparison have in common: the scenes, the seed, and the training time.

    Attributes
    ----------
    level : str
        Difficulty of the scenes: ``"easy"``, ``"mid"`` or ``"hard"``.
    minutes : float
        Training time of each run.
    seed : int
    train, val : int
        Number of scenes for training and for evaluation.

    Raises
    ------
    ValueError
        When there is no such level, there are not so many scenes, or the time is not positive.
    """

    level: str
    minutes: float
    seed: int
    train: int
    val: int

    def __post_init__(self) -> None:
        for split in ("train", "val"):
            available, count = len(Scenes(self.level, split)), getattr(self, split)
            if not 1 <= count <= available:
                raise ValueError(f"{split}: expected 1 to {available:,} scenes, got {count:,}")
        if not 0 < self.minutes < math.inf:
            raise ValueError(f"minutes: expected a positive number, got {self.minutes}")

    def scenes(self, split: str) -> Dataset:
        """Return the scenes of the split ``"train"`` or ``"val"``, in memory."""
        return Scenes(self.level, split).cached(getattr(self, split))

    def __str__(self) -> str:
        return (
            f"{self.minutes:g} min of training each, seed {self.seed}, {self.train:,} scenes of level {self.level} "
            f"for training, {self.val:,} for evaluation"
        )
