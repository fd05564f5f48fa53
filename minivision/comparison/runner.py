"""Train and measure the rows of a comparison, one after the other."""

from __future__ import annotations

import dataclasses
import os

import numpy as np

from minivision.comparison.folder import Folder
from minivision.comparison.progress import Progress
from minivision.comparison.rows import Comparison, ComparisonSettings
from minivision.models.base.resizing import Resizing

MEASURING_SECONDS = 10  # planned time to measure a row, for the progress bar


def run_comparison(
    comparison: Comparison, out: str | os.PathLike, settings: ComparisonSettings, *, progress: bool = True
) -> bool:
    """Train and measure every row that is not done yet; write the table and the figure.

    Parameters
    ----------
    comparison : Comparison
    out : path
        Folder for ``comparison.csv``, ``comparison.md``, ``comparison.png`` and the folders of the runs. If it
        holds this comparison, started with the same settings, the comparison continues: rows that are done are kept,
        and an interrupted training is resumed.
    settings : ComparisonSettings
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    done : bool
        Whether all rows are done; False if Ctrl-C or SIGTERM ended a training.

    Raises
    ------
    ValueError
        When `out` holds something else or was started with other settings, or there are not enough scenes.
    TrainingError
        When the losses or gradients of a system are not finite.
    """
    folder = Folder(out, comparison, settings)
    missing = folder.missing()
    seconds = 60 * settings.minutes
    total = seconds * len({row.run for row in comparison.rows}) + MEASURING_SECONDS * len(comparison.rows)
    left = seconds * len({row.run for row in missing}) + MEASURING_SECONDS * len(missing)
    with Progress(total, total - left, shown=progress) as bar:
        try:
            return not missing or _run(comparison, folder, missing, bar)
        finally:
            bar.show("writing the table")
            folder.write()


def _run(comparison, folder, missing, bar):
    settings = folder.settings
    bar.show("reading scenes")
    train_scenes, val_scenes = settings.scenes("train"), settings.scenes("val")
    for run in dict.fromkeys(row.run for row in missing):
        checkpoint = _train(comparison, run, folder.path / run, train_scenes, settings, bar)
        if checkpoint is None:
            return False
        training = {"training_seconds": checkpoint.seconds, "training_steps": checkpoint.step}
        quality = None
        for row in missing:
            if row.run == run:
                model = _model_of(row, checkpoint)
                if quality is None or comparison.quality_of_rows:
                    bar.show(f"{row.title}: evaluating")
                    quality = comparison.quality(model, val_scenes)
                bar.show(f"{row.title}: measuring")
                folder.add(row, {**quality, **training, **comparison.costs(model, val_scenes)})
                bar.advance(MEASURING_SECONDS)
    return True


def _model_of(row, checkpoint):
    """Return the trained model of a run, with the options and the image size of a row."""
    model = dataclasses.replace(checkpoint, options={**checkpoint.options, **row.variant}).make_model()
    return model if row.size is None else Resizing(model, (row.size, row.size))


def _train(comparison, run, path, scenes, settings, bar):
    """Train or resume a run; return its last checkpoint, or None if a signal stopped it."""
    from minivision.models import make_model
    from minivision.training import Checkpoint, Settings, train
    from minivision.training.checkpoint import CHECKPOINT

    row = next(row for row in comparison.rows if row.run == run)
    model = make_model(row.system, scenes.classes, rng=np.random.default_rng(settings.seed), **row.options)
    data = {"data": "scenes", "level": settings.level, "split": "train", "size": None, "skip_broken": False}
    bar.show(f"{run}: training")
    on_step = bar.steps(60 * settings.minutes)
    result = train(
        model, scenes, Settings(seed=settings.seed), minutes=settings.minutes, out=path, data=data, progress=False,
        on_step=on_step, resume=(path / CHECKPOINT).exists(),
    )  # fmt: skip
    on_step(result.step, result.total)  # also if the run was done already
    return None if result.stopped else Checkpoint.load(path / CHECKPOINT)
