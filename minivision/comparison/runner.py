"""Train and measure the rows of a comparison, one after the other."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence

import numpy as np

from minivision.comparison.folder import Folder
from minivision.comparison.progress import Progress
from minivision.comparison.rows import Comparison, ComparisonSettings
from minivision.models.base.resizing import Resizing

MEASURING_SECONDS = 10  # planned time to measure a row, for the progress bar


def run_comparison(
    comparison: Comparison,
    out: str | os.PathLike,
    settings: ComparisonSettings,
    *,
    only: Sequence[str] = (),
    progress: bool = True,
) -> bool:
    """Train and measure every row that is not done yet; write the tables and the figure.

    Parameters
    ----------
    comparison : Comparison
    out : path
        Folder for ``comparison.csv``, ``comparison.md``, ``comparison.png``, ``differences.csv`` and the folders of the
        runs. If it holds this comparison, started with the same settings, the comparison continues: rows that are done
        are kept, also if more seeds are asked for, and an interrupted training is resumed.
    settings : ComparisonSettings
    only : sequence of str
        Names of systems: rows of others are left out, this time. By default none is.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    done : bool
        Whether all rows are done; False if Ctrl-C or SIGTERM ended a training.

    Raises
    ------
    ValueError
        When `out` holds something else or was started with other settings, there are not enough scenes, no row has a
        system of `only`, or what the comparison needs is not installed.
    TrainingError
        When the losses or gradients of a system are not finite.
    """
    there = list(dict.fromkeys(row.system for row in comparison.rows))
    for name in only:
        if name not in there:
            raise ValueError(f"only: no row is of the system {name!r}; there are {', '.join(there)}")
    if comparison.require is not None:
        comparison.require()
    rows = tuple(row for row in comparison.rows if not only or row.system in only)
    folder = Folder(out, comparison, settings)
    seeds = settings.all_seeds()
    total = _planned_seconds([(seed, row) for seed in seeds for row in rows], settings)
    missing = folder.missing(seeds, rows)
    with Progress(total, total - _planned_seconds(missing, settings), shown=progress) as bar:
        try:
            return not missing or _run(comparison, folder, missing, bar)
        finally:
            bar.show("writing the table")
            folder.write()


def _planned_seconds(wanted, settings):
    """Return the seconds that the trainings and measurements of some seeds and rows may take."""
    return settings.seconds * len({(seed, row.run) for seed, row in wanted}) + MEASURING_SECONDS * len(wanted)


def _run(comparison, folder, missing, bar):
    bar.show("reading scenes")
    train_scenes, val_scenes = folder.settings.scenes("train"), folder.settings.scenes("val")
    for seed, team in _teams(comparison, missing):
        checkpoints = _train(comparison, team, folder, train_scenes, seed, bar)
        if checkpoints is None:
            return False
        for run, checkpoint in checkpoints.items():
            rows = [row for each, row in missing if each == seed and row.run == run]
            _measure(comparison, folder, seed, rows, checkpoint, val_scenes, bar)
    return True


def _teams(comparison, missing):
    """Yield a seed and the runs that are trained together: one by one, or those of a group in turns."""
    teams = {}
    for seed, row in missing:
        runs = teams.setdefault((seed, row.group if comparison.in_turns else row.run), [])
        if row.run not in runs:
            runs.append(row.run)
    for (seed, _), runs in teams.items():
        yield seed, runs


def _measure(comparison, folder, seed, rows, checkpoint, scenes, bar):
    """Measure the rows of a run."""
    training = {
        "training_seconds": checkpoint.seconds,
        "training_steps": checkpoint.step,
        "steps_per_second": checkpoint.step / checkpoint.seconds,
    }
    quality = None
    for row in rows:
        model = _model_of(row, checkpoint)
        if quality is None or comparison.quality_of_rows:
            bar.show(f"{row.title}: evaluating")
            quality = dict(comparison.quality(model, scenes))
            outcomes = quality.pop("outcomes", None)
        bar.show(f"{row.title}: measuring")
        folder.add(seed, row, {**quality, **training, **comparison.costs(model, scenes)}, outcomes)
        bar.advance(MEASURING_SECONDS)


def _model_of(row, checkpoint):
    """Return the trained model of a run, with the options and the image size of a row."""
    model = dataclasses.replace(checkpoint, options={**checkpoint.options, **row.variant}).make_model()
    return model if row.size is None else Resizing(model, (row.size, row.size))


def _train(comparison, runs, folder, scenes, seed, bar):
    """Train or resume runs, several of them in turns; return their last checkpoints, or None if a signal stopped it."""
    from minivision.training import Checkpoint, train_in_turns
    from minivision.training.checkpoint import CHECKPOINT

    settings = folder.settings
    title = " and ".join(runs)
    bar.show(f"{title}: training" if settings.seeds == 1 else f"{title}: training, seed {seed}")
    trainings = [_arguments(comparison, run, folder, scenes, seed, bar.steps(settings.seconds)) for run in runs]
    results = train_in_turns(trainings)  # also of one alone: it keeps its minutes better than `train`
    for training, result in zip(trainings, results, strict=True):
        training["on_step"](result.step, result.total)  # also if the run was done already
    if any(result.stopped for result in results):
        return None
    return {run: Checkpoint.load(folder.run_path(run, seed) / CHECKPOINT) for run in runs}


def _arguments(comparison, run, folder, scenes, seed, on_step):
    """Return the arguments of the trainer for a run."""
    from minivision.models import make_model
    from minivision.training import Settings
    from minivision.training.checkpoint import CHECKPOINT

    settings, path = folder.settings, folder.run_path(run, seed)
    row = next(row for row in comparison.rows if row.run == run)
    model = make_model(row.system, scenes.classes, rng=np.random.default_rng(seed), **row.options)
    return {
        "model": model if row.wrap is None else row.wrap(model),
        "dataset": scenes,
        "settings": Settings(seed=seed),
        "minutes": settings.minutes,
        "steps": settings.steps,
        "out": path,
        "data": {"data": "scenes", "level": settings.level, "split": "train", "size": None, "skip_broken": False},
        "progress": False,
        "on_step": on_step,
        "resume": (path / CHECKPOINT).exists(),
    }
