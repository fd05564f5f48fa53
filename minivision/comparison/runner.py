"""Train and measure the rows of a comparison, one after the other, or many on other machines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from minivision.comparison.elsewhere import train_elsewhere
from minivision.comparison.folder import Folder
from minivision.comparison.progress import Progress
from minivision.comparison.rows import Comparison, ComparisonSettings, Row
from minivision.comparison.training import first_row, model_of, qualities, training_arguments
from minivision.data import Dataset
from minivision.executors import Executor

MEASURING_SECONDS = 10  # planned time to measure a row, for the progress bar


def run_comparison(
    comparison: Comparison,
    out: str | os.PathLike,
    settings: ComparisonSettings,
    *,
    only: Sequence[str] = (),
    progress: bool = True,
    executor: Executor | None = None,
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
    executor : Executor, optional
        Where the rows are trained and evaluated, several at a time; costs are measured here. By default all is done
        here.

    Returns
    -------
    done : bool
        Whether all rows are done; False if Ctrl-C or SIGTERM ended a training.

    Raises
    ------
    ValueError
        When `out` holds something else or was started with other settings, there are not enough scenes, no row has a
        system of `only`, what the comparison needs is not installed, or the trainings are timed and an executor is
        given.
    TrainingError
        When the losses or gradients of a system are not finite.
    OSError
        When a process of the executor was killed, or its cluster is gone.
    """
    there = list(dict.fromkeys(row.system for row in comparison.rows))
    for name in only:
        if name not in there:
            raise ValueError(f"only: no row is of the system {name!r}; there are {', '.join(there)}")
    if executor is not None:
        refuse_timed(comparison, settings)
    if comparison.require is not None:
        comparison.require()
    rows = tuple(row for row in comparison.rows if not only or row.system in only)
    folder = Folder(out, comparison, settings)
    seeds = settings.all_seeds()
    total = _planned_seconds([(seed, row) for seed in seeds for row in rows], settings)
    missing = folder.missing(seeds, rows)
    with Progress(total, total - _planned_seconds(missing, settings), shown=progress) as bar:
        try:
            return not missing or _run(comparison, folder, missing, bar, executor)
        finally:
            bar.show("writing the table")
            folder.write()


def _planned_seconds(wanted, settings):
    """Return the seconds that the trainings and measurements of some seeds and rows may take."""
    return settings.seconds * len({(seed, row.run) for seed, row in wanted}) + MEASURING_SECONDS * len(wanted)


def refuse_timed(comparison: Comparison, settings: ComparisonSettings) -> None:
    """Raise ValueError if trainings are timed, which machines that differ cannot be fair to."""
    if comparison.in_turns:
        raise ValueError(
            f"the trainings of {comparison.name} take turns on one machine, so that their times can be compared; "
            "they are for no cluster"
        )
    if settings.minutes is not None:
        raise ValueError(
            "equal minutes on machines that differ, or that others use too, are not equal: give --steps on a cluster"
        )


def _run(comparison, folder, missing, bar, executor):
    scenes = _reader(folder.settings, bar)
    if executor is not None:
        _run_elsewhere(comparison, folder, missing, scenes, bar, executor)
        return True
    for seed, team in _teams(comparison, missing):
        checkpoints = _train(comparison, team, folder, scenes, seed, bar)
        if checkpoints is None:
            return False
        for run, checkpoint in checkpoints.items():
            rows = [row for each, row in missing if each == seed and row.run == run]
            held_out = scenes("val", rows[0])
            measured = qualities(comparison, rows, checkpoint, held_out, bar.show)
            _measure(comparison, folder, seed, measured, checkpoint, held_out, bar)
    return True


def _reader(settings, bar):
    """Return a function of a split and a row: its scenes, which rows that need the same ones share."""
    read: dict[Any, Dataset] = {}

    def scenes(split: str, row: Row) -> Dataset:
        key = (split, *row.scene_options.items())
        if key not in read:
            bar.show("reading scenes")
            read[key] = settings.scenes(split, row.scene_options)
        return read[key]

    return scenes


def _run_elsewhere(comparison, folder, missing, scenes, bar, executor):
    """Let an executor train the runs and evaluate them; measure their costs here, as they come."""
    from minivision.training import TrainingError

    failed = 0
    for training, trained in train_elsewhere(executor, comparison, folder, missing, bar):
        if trained is None:
            failed += 1
            continue
        rows = [row for seed, row in missing if (seed, row.run) == (training.seed, training.run)]
        measured = [(row, *trained.qualities[row.title]) for row in rows]
        _measure(
            comparison, folder, training.seed, measured, trained.checkpoint, scenes("val", rows[0]), bar, elsewhere=1
        )
    if failed:
        raise TrainingError(f"{failed} of the trainings failed; the others are kept, and the same command continues")


def _teams(comparison, missing):
    """Yield a seed and the runs that are trained together: one by one, or those of a group in turns."""
    teams = {}
    for seed, row in missing:
        runs = teams.setdefault((seed, row.group if comparison.in_turns else row.run), [])
        if row.run not in runs:
            runs.append(row.run)
    for (seed, _), runs in teams.items():
        yield seed, runs


def _measure(comparison, folder, seed, measured, checkpoint, scenes, bar, **more):
    """Measure the costs of the rows of a run, and save them with their accuracy.

    `measured` has for each row the row, its accuracy and what it can be resampled with.
    """
    training = {
        "training_seconds": checkpoint.seconds,
        "training_steps": checkpoint.step,
        "steps_per_second": checkpoint.step / checkpoint.seconds,
        **more,
    }
    for row, quality, outcomes in measured:
        bar.show(f"{row.title}: measuring")
        costs = comparison.costs(model_of(row, checkpoint), scenes)
        folder.add(seed, row, {**quality, **training, **costs}, outcomes)
        bar.advance(MEASURING_SECONDS)


def _train(comparison, runs, folder, scenes, seed, bar):
    """Train or resume runs, several of them in turns; return their last checkpoints, or None if a signal stopped it."""
    from minivision.training import Checkpoint, train_in_turns
    from minivision.training.checkpoint import CHECKPOINT

    settings = folder.settings
    title = " and ".join(runs)
    trainings = [
        training_arguments(
            row, folder.run_path(row.run, seed), settings, scenes("train", row), seed, bar.steps(settings.seconds)
        )
        for row in (first_row(comparison, run) for run in runs)
    ]
    bar.show(f"{title}: training" if settings.seeds == 1 else f"{title}: training, seed {seed}")
    results = train_in_turns(trainings)  # also of one alone: it keeps its minutes better than `train`
    for training, result in zip(trainings, results, strict=True):
        training["on_step"](result.step, result.total)  # also if the run was done already
    if any(result.stopped for result in results):
        return None
    return {run: Checkpoint.load(folder.run_path(run, seed) / CHECKPOINT) for run in runs}
