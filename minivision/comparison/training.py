"""How a run of a comparison is trained, and how good its rows are."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.comparison.rows import Comparison, ComparisonSettings, Row
from minivision.data import Dataset
from minivision.models.base.resizing import Resizing

if TYPE_CHECKING:
    from minivision.models.base.model import Model
    from minivision.training import Checkpoint


def training_arguments(
    row: Row,
    path: pathlib.Path,
    settings: ComparisonSettings,
    scenes: Dataset,
    seed: int,
    on_step: Callable[[int, int], Any],
) -> dict[str, Any]:
    """Return the arguments of the trainer for the run of a row, in a folder; it is resumed if it has begun."""
    from minivision.models import make_model
    from minivision.training import Settings
    from minivision.training.checkpoint import CHECKPOINT

    model = make_model(row.system, scenes.classes, rng=np.random.default_rng(seed), **row.options)
    return {
        "model": model if row.wrap is None else row.wrap(model),
        "dataset": scenes,
        "settings": Settings(seed=seed),
        "minutes": settings.minutes,
        "steps": settings.steps,
        "out": path,
        "data": {
            "data": "scenes",
            "level": settings.level,
            "split": "train",
            "size": None,
            "skip_broken": False,
            **row.scene_options,
        },
        "progress": False,
        "on_step": on_step,
        "resume": (path / CHECKPOINT).exists(),
    }


def first_row(comparison: Comparison, run: str) -> Row:
    """Return the row that defines the training of a run."""
    return next(row for row in comparison.rows if row.run == run)


def qualities(
    comparison: Comparison, rows: Iterable[Row], checkpoint: Checkpoint, scenes: Dataset, show: Callable[[str], Any]
) -> Iterator[tuple[Row, dict[str, Any], Any]]:
    """Yield each row of a run with its accuracy, and with the outcomes that can be resampled, or None."""
    quality: dict[str, Any] | None = None
    outcomes = None
    for row in rows:
        if quality is None or comparison.quality_of_rows:
            show(f"{row.title}: evaluating")
            quality = dict(comparison.quality(model_of(row, checkpoint), scenes))
            outcomes = quality.pop("outcomes", None)
        yield row, quality, outcomes


def model_of(row: Row, checkpoint: Checkpoint) -> Model:
    """Return the trained model of a run, with the options and the image size of a row."""
    model = dataclasses.replace(checkpoint, options={**checkpoint.options, **row.variant}).make_model()
    return model if row.size is None else Resizing(model, (row.size, row.size))  # type: ignore[return-value]
