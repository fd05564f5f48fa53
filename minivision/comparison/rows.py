"""Comparisons: their rows, the measurements of each, and the common settings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from minivision.comparison.differences import neighbors
from minivision.data import Dataset, Scenes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from minivision.comparison.table import Column
    from minivision.models.base.model import Model

SECONDS_PER_STEP = 0.05  # roughly, for the progress bar

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
    wrap : callable, optional
        ``wrap(model)`` returns the model that is trained in its place, with the same system, options and weights.
    """

    group: str
    name: str
    run: str
    system: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    variant: dict[str, Any] = dataclasses.field(default_factory=dict)
    size: int | None = None
    wrap: Callable[[Model], Model] | None = None

    @property
    def title(self) -> str:
        """Name of the row outside the table."""
        return f"{self.group}, {self.name}" if self.name else self.group

    @property
    def scene_options(self) -> Mapping[str, Any]:
        """Options of the scenes that its system needs, such as captions."""
        from minivision.models import system_class

        return system_class(self.system).scene_options


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A comparison of systems: its rows and columns, its measurements, its notes and its figure.

    Attributes
    ----------
    name : str
    rows : tuple of Row
    columns : tuple of minivision.comparison.table.Column
    quality : callable
        ``quality(model, scenes)`` returns the accuracy of a model; called once for a run, or for each row. Under the
        name ``outcomes`` there may be what the images can be resampled with
        (`minivision.metrics.resampling`).
    costs : callable
        ``costs(model, scenes)`` returns the costs of a model.
    notes : callable
        ``notes(table)`` returns the paragraphs below the table. A table maps the title of each row to its measurements,
        which are empty if the row is not done yet.
    draw : callable
        ``draw(table, settings)`` returns a matplotlib Figure.
    quality_of_rows : bool
        Whether the predictions of rows of one run differ.
    metrics : tuple of str
        The metrics that rows are compared by; the outcomes know them.
    pairs : callable
        ``pairs(rows, table, metric)`` returns the pairs of rows whose difference is shown.
    in_turns : bool
        Whether the trainings of a group take turns, some seconds each, so that they have the same machine.
    require : callable, optional
        Raises ValueError when something that the comparison needs is not installed.
    about : str
        What all its trainings have in common, for the line below the title.
    """

    name: str
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    quality: Callable[[Model, Dataset], dict[str, Any]]
    costs: Callable[[Model, Dataset], dict[str, Any]]
    notes: Callable[[Table], list[str]]
    draw: Callable[[Table, ComparisonSettings], Figure]
    quality_of_rows: bool = False
    metrics: tuple[str, ...] = ()
    pairs: Callable[[Sequence[Row], Table, str], list[tuple[Row, Row]]] = neighbors
    in_turns: bool = False
    require: Callable[[], object] | None = None
    about: str = "Each system is trained with its own recipe (batch size, learning rate)."


@dataclasses.dataclass(frozen=True)
class ComparisonSettings:
    """Settings that all rows of a comparison have in common: the scenes, the seed, and the training time.

    Attributes
    ----------
    level : str
        Difficulty of the scenes: ``"easy"``, ``"mid"`` or ``"hard"``.
    minutes : float or None
        Training time of each run; or `steps` are given.
    seed : int
        The first seed: of the weights, the order of the images, flips and samples.
    train, val : int
        Number of scenes for training and for evaluation.
    steps : int or None
        Training steps of each run.
    seeds : int
        Each row is trained so many times, with `seed` and those that follow. A comparison that was started with fewer
        goes on with more, so this number does not tell settings apart.

    Raises
    ------
    ValueError
        When there is no such level, there are not so many scenes, or the time is not positive.
    """

    level: str
    minutes: float | None
    seed: int
    train: int
    val: int
    steps: int | None = None
    seeds: int = dataclasses.field(default=1, compare=False)

    def __post_init__(self) -> None:
        for split in ("train", "val"):
            available, count = len(Scenes(self.level, split)), getattr(self, split)
            if not 1 <= count <= available:
                raise ValueError(f"{split}: expected 1 to {available:,} scenes, got {count:,}")
        if (self.minutes is None) == (self.steps is None):
            raise ValueError("give minutes or steps, one of them: each sets the length of the trainings")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ValueError(f"minutes: expected a positive number, got {self.minutes}")
        for name in ("steps", "seeds"):
            count = getattr(self, name)
            if count is not None and count < 1:
                raise ValueError(f"{name}: expected at least 1, got {count}")

    @property
    def seconds(self) -> float:
        """Planned seconds of a training, roughly if steps are given."""
        return SECONDS_PER_STEP * self.steps if self.minutes is None else 60 * self.minutes  # type: ignore[operator]

    def all_seeds(self) -> range:
        """Return the seeds that are asked for."""
        return range(self.seed, self.seed + self.seeds)

    def as_dict(self) -> dict[str, Any]:
        """Return what tells these settings from others, as JSON has it."""
        fields = (field.name for field in dataclasses.fields(self) if field.compare)
        return {name: getattr(self, name) for name in fields if getattr(self, name) is not None}

    def scenes(self, split: str, options: Mapping[str, Any]) -> Dataset:
        """Return the scenes of the split ``"train"`` or ``"val"``, in memory; `options` as in `Scenes`."""
        return Scenes(self.level, split, **options).cached(getattr(self, split))

    def __str__(self) -> str:
        length = f"{self.minutes:g} min" if self.steps is None else f"{self.steps:,} steps"
        seeds = f"seed {self.seed}" if self.seeds == 1 else f"seeds {self.seed} to {self.seed + self.seeds - 1}"
        return (
            f"{length} of training each, {seeds}, {self.train:,} scenes of level {self.level} "
            f"for training, {self.val:,} for evaluation"
        )
