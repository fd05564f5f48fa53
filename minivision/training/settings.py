"""What a training run is told: by the caller, else by its checkpoint, else by the model's own recipe."""

import dataclasses
import math

from minivision.optim.optimizers import OPTIMIZERS
from minivision.optim.schedules import SCHEDULES
from minivision.training.batches import FLIPS


@dataclasses.dataclass(frozen=True)
class Settings:
    """The settings of a run, all of them known. They are kept in its checkpoint.

    Attributes
    ----------
    batch_size : int
    optimizer : str
        ``"sgd"``, ``"adam"`` or ``"adamw"``.
    rate : float
        The highest learning rate.
    weight_decay : float
    schedule : str
        ``"constant"``, ``"step"`` or ``"cosine"``.
    warmup : float
        The part of the steps in which the rate climbs.
    clip : float
        The largest norm of all gradients together; 0 does not clip.
    crop : (int, int), optional
        Height and width of random crops.
    flips : tuple of str, or bool
        ``"horizontal"`` and ``"vertical"``; True is ``("horizontal",)``.
    seed : int
        Of the order of the images, of crops and flips, and of whatever is random inside the model.
    minutes : float, optional
        The time that the number of steps was made to fit into.
    """

    batch_size: int = 16
    optimizer: str = "adamw"
    rate: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup: float = 0.05
    clip: float = 0.0
    crop: tuple | None = None
    flips: tuple = ()
    seed: int = 0
    minutes: float | None = None

    def __post_init__(self):
        if self.crop is not None:
            object.__setattr__(self, "crop", tuple(self.crop))  # JSON and callers give lists
        if isinstance(self.flips, bool):
            object.__setattr__(self, "flips", ("horizontal",) if self.flips else ())
        object.__setattr__(self, "flips", tuple(self.flips))
        self._check("batch_size", self.batch_size >= 1, "at least 1")
        self._check("optimizer", self.optimizer in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}")
        self._check("rate", 0 < self.rate < math.inf, "a positive number")
        self._check("weight_decay", 0 <= self.weight_decay < math.inf, "0 or more")
        self._check("schedule", self.schedule in SCHEDULES, f"one of {', '.join(SCHEDULES)}")
        self._check("warmup", 0 <= self.warmup <= 1, "a part of the steps, 0 to 1")
        self._check("clip", 0 <= self.clip < math.inf, "a positive number, or 0 for none")
        crop = self.crop is None or len(self.crop) == 2 and min(self.crop) >= 1
        self._check("crop", crop, "a height and a width in pixels")
        self._check("flips", set(self.flips) <= set(FLIPS), f"some of {', '.join(FLIPS)}")
        self._check("seed", self.seed >= 0, "0 or more")
        self._check("minutes", self.minutes is None or 0 < self.minutes < math.inf, "a positive number")

    def _check(self, name, right, expected):
        if not right:
            raise ValueError(f"{name}: expected {expected}, got {getattr(self, name)!r}")

    @classmethod
    def resolve(cls, given, stored, recipe):
        """Return the settings: what is in `given`, else in `stored`, else in `recipe`, else the default.

        Parameters
        ----------
        given, stored, recipe : dict
            By name; None stands for not given. A `recipe` may hold more (a model's default training time,
            say); that is left alone.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        recipe = {name: value for name, value in recipe.items() if name != "minutes"}
        chosen = {}
        for source in (recipe, stored, given):  # the later wins
            chosen |= {name: value for name, value in source.items() if name in names and value is not None}
        return cls(**chosen)
