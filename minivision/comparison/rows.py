"""What a comparison is made of: its rows, what is measured of each, and what all have in common."""

import dataclasses
import math
from collections.abc import Callable

from minivision.data import Scenes


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a comparison.

    Attributes
    ----------
    group, name : str
        What it belongs to, and what tells it from the others there.
    run : str
        The folder of its training. Rows of one run share their weights; the first of them says how to train.
    system : str
    options : dict
        What the system is made with, besides its defaults.
    variant : dict
        Options that are changed after training. Where the comparison measures quality once for a run, they must not
        change what it predicts.
    size : int, optional
        Side of the square that images are brought to before the system sees them, after training; by default none.
    """

    group: str
    name: str
    run: str
    system: str
    options: dict = dataclasses.field(default_factory=dict)
    variant: dict = dataclasses.field(default_factory=dict)
    size: int | None = None

    @property
    def title(self):
        """What the row is called where it stands alone."""
        return f"{self.group}, {self.name}" if self.name else self.group


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What is compared, and how.

    Attributes
    ----------
    name : str
    rows : tuple of Row
    columns : tuple of minivision.comparison.table.Column
    quality : callable
        ``quality(model, scenes)`` returns how good a model is; called once for a run, or for each row.
    costs : callable
        ``costs(model, scenes)`` returns the figures of a row.
    notes : callable
        ``notes(table)`` returns what is to be said below the table, a list of paragraphs.
    draw : callable
        ``draw(table, settings)`` returns a matplotlib Figure.

    quality_of_rows : bool
        Whether rows of one run differ in what they predict.

    A table maps each row's title to its figures; they are empty where it is not done yet.
    """

    name: str
    rows: tuple
    columns: tuple
    quality: Callable
    costs: Callable
    notes: Callable
    draw: Callable
    quality_of_rows: bool = False


@dataclasses.dataclass(frozen=True)
class Settings:
    """What all rows have in common: the scenes, the seed, and the time to train.

    Attributes
    ----------
    level : str
        How hard the scenes are.
    minutes : float
        Of training, for each run.
    seed : int
    train, val : int
        How many scenes to train on, and how many to evaluate on.

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

    def __post_init__(self):
        for split in ("train", "val"):
            there, count = len(Scenes(self.level, split)), getattr(self, split)
            if not 1 <= count <= there:
                raise ValueError(f"{split}: expected 1 to {there:,} scenes, got {count:,}")
        if not 0 < self.minutes < math.inf:
            raise ValueError(f"minutes: expected a positive number, got {self.minutes}")

    def scenes(self, split):
        """Return the scenes of the split ``"train"`` or ``"val"``, held in memory."""
        return Scenes(self.level, split).cached(getattr(self, split))

    def __str__(self):
        return (
            f"{self.minutes:g} min of training each, seed {self.seed}, {self.train:,} scenes of level {self.level} "
            f"to train on, {self.val:,} to evaluate on"
        )
