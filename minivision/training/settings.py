"""Settings of a training run: given, else from the checkpoint, else from the model's recipe, else defaults."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from minivision.data.augmentation import AUGMENTATIONS
from minivision.optim.optimizers import OPTIMIZERS
from minivision.optim.schedules import SCHEDULES
from minivision.training.batches import FLIPS

NOT_GIVEN: Any = None  # the value of a setting that is left open


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a training run. All may be left out: :meth:`complete` fills in those that are None.

    Parameters
    ----------
    batch_size : int, optional
        Number of images in a step. Default: 16.
    optimizer : str, optional
        ``"sgd"``, ``"adam"`` or ``"adamw"``. Default: ``"adamw"``.
    rate : float, optional
        Highest learning rate. Default: 0.001.
    weight_decay : float, optional
        Default: 0.01.
    schedule : str, optional
        ``"constant"``, ``"step"`` or ``"cosine"``. Default: ``"cosine"``.
    warmup : float, optional
        Share of the steps during which the learning rate rises, 0 to 1. Default: 0.05.
    clip : float, optional
        Largest norm of all gradients together; 0 does not clip. Default: 0.
    crop : (int, int), optional
        Height and width of random crops. Default: whole images.
    flips : tuple of str or bool, optional
        ``"horizontal"`` and ``"vertical"``: mirror images; True is ``("horizontal",)``. Default: none.
    augment : tuple of str, optional
        ``"colors"``, ``"zoom-out"`` and ``"iou-crop"``, see :mod:`minivision.data.augmentation`. Default: none.
    augment_probability : float, optional
        Probability with which an image is augmented at all, 0 to 1; the others stay as they are. Default: 1.
    sync_batch_norm : bool, optional
        Whether batch normalization takes mean and variance of the images of all ranks, if several train together (see
        :mod:`minivision.training.mpi`). Then N ranks train like one. Default: False, each rank of its own images.
    seed : int, optional
        Seed of the order of the images, of all random changes of them, and of the random numbers inside the model.
        Default: 0.

    Raises
    ------
    ValueError
        When a setting is out of range.

    Examples
    --------
    >>> from minivision.training import Settings
    >>> settings = Settings(rate=0.01).complete({"rate": 0.02, "batch_size": 8})
    >>> settings.rate, settings.batch_size, settings.optimizer
    (0.01, 8, 'adamw')
    """

    batch_size: int = NOT_GIVEN
    optimizer: str = NOT_GIVEN
    rate: float = NOT_GIVEN
    weight_decay: float = NOT_GIVEN
    schedule: str = NOT_GIVEN
    warmup: float = NOT_GIVEN
    clip: float = NOT_GIVEN
    crop: tuple[int, int] | None = NOT_GIVEN
    flips: tuple[str, ...] = NOT_GIVEN
    augment: tuple[str, ...] = NOT_GIVEN
    augment_probability: float = NOT_GIVEN
    sync_batch_norm: bool = NOT_GIVEN
    seed: int = NOT_GIVEN

    def __post_init__(self) -> None:
        if self.crop is not None:
            object.__setattr__(self, "crop", tuple(self.crop))  # JSON and callers give lists
        if isinstance(self.flips, bool):
            object.__setattr__(self, "flips", ("horizontal",) if self.flips else ())
        for name in ("flips", "augment"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, (is_valid, expected) in _RULES.items():
            value = getattr(self, name)
            if value is not None and not is_valid(value):
                raise ValueError(f"{name}: expected {expected}, got {value!r}")

    def complete(self, *sources: Mapping[str, Any]) -> Settings:
        """Return the settings with all values: those given, else from the first source that has one, else the defaults.

        Parameters
        ----------
        *sources : mapping
            Values by name, such as those stored in a checkpoint and ``model.recipe``. None stands for not given. Other
            names (a recipe may have ``minutes``) are left out.

        Returns
        -------
        settings : Settings
        """
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        values: dict[str, Any] = {}
        for name in given:
            candidates = (source.get(name) for source in (given, *sources, DEFAULTS))
            values[name] = next((value for value in candidates if value is not None), None)
        return Settings(**values)


DEFAULTS: dict[str, Any] = {
    "batch_size": 16,
    "optimizer": "adamw",
    "rate": 1e-3,
    "weight_decay": 0.01,
    "schedule": "cosine",
    "warmup": 0.05,
    "clip": 0.0,
    "crop": None,
    "flips": (),
    "augment": (),
    "augment_probability": 1.0,
    "sync_batch_norm": False,
    "seed": 0,
}

_RULES = {  # name -> (whether a value is valid, what is expected)
    "batch_size": (lambda value: value >= 1, "at least 1"),
    "optimizer": (lambda value: value in OPTIMIZERS, f"one of {', '.join(OPTIMIZERS)}"),
    "rate": (lambda value: 0 < value < math.inf, "a positive number"),
    "weight_decay": (lambda value: 0 <= value < math.inf, "0 or more"),
    "schedule": (lambda value: value in SCHEDULES, f"one of {', '.join(SCHEDULES)}"),
    "warmup": (lambda value: 0 <= value <= 1, "a share of the steps, 0 to 1"),
    "clip": (lambda value: 0 <= value < math.inf, "a positive number, or 0 for none"),
    "crop": (lambda value: len(value) == 2 and min(value) >= 1, "a height and a width in pixels"),
    "flips": (lambda value: set(value) <= set(FLIPS), f"some of {', '.join(FLIPS)}"),
    "augment": (lambda value: set(value) <= set(AUGMENTATIONS), f"some of {', '.join(AUGMENTATIONS)}"),
    "augment_probability": (lambda value: 0 <= value <= 1, "a probability, 0 to 1"),
    "sync_batch_norm": (lambda value: isinstance(value, bool), "True or False"),
    "seed": (lambda value: value >= 0, "0 or more"),
}
