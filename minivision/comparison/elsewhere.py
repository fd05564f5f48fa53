"""Runs of a comparison that an executor trains and evaluates: each is a piece of work."""

from __future__ import annotations

import logging
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from minivision.comparison.folder import Folder
from minivision.comparison.progress import Progress
from minivision.comparison.rows import Comparison, ComparisonSettings, Row
from minivision.comparison.training import first_row, qualities, training_arguments
from minivision.core.atomic import atomic_write
from minivision.executors import Executor, stop_if_cancelled

if TYPE_CHECKING:
    from minivision.training import Checkpoint

logger = logging.getLogger("minivision")


class Training(NamedTuple):
    """A run to train, and the rows whose accuracy is wanted.

    Attributes
    ----------
    comparison : str
        Name of the comparison.
    settings : ComparisonSettings
    run : str
    seed : int
    titles : tuple of str
        Of the rows.
    files : dict of str to bytes
        Names and contents of the files of a training that has begun; the worker resumes it.
    """

    comparison: str
    settings: ComparisonSettings
    run: str
    seed: int
    titles: tuple[str, ...]
    files: dict[str, bytes]


class Trained(NamedTuple):
    """A run that has been trained.

    Attributes
    ----------
    checkpoint : Checkpoint
    qualities : dict of str to (dict, object)
        The accuracy of each row by its title, and the outcomes that can be resampled, or None.
    """

    checkpoint: Checkpoint
    qualities: dict[str, tuple[dict[str, Any], Any]]


def train_elsewhere(
    executor: Executor, comparison: Comparison, folder: Folder, missing: Sequence[tuple[int, Row]], bar: Progress
) -> Iterator[tuple[Training, Trained | None]]:
    """Yield the runs of the missing rows as they are done, their files written; None for one that failed."""
    from minivision.training import Checkpoint

    runs = dict.fromkeys((seed, row.run) for seed, row in missing)
    pieces = [_training(comparison, folder, missing, seed, run) for seed, run in runs]
    for done, outcome in enumerate(executor.map_unordered(train, pieces)):
        bar.advance(folder.settings.seconds)
        bar.show(f"{done + 1} of {len(pieces)} trainings are done")
        training = outcome.piece
        if outcome.failure is not None:
            logger.error("%s, seed %d: %s", training.run, training.seed, outcome.failure.message)
            yield training, None
            continue
        files, measured = outcome.result
        path = folder.run_path(training.run, training.seed)
        path.mkdir(exist_ok=True)
        for name, content in files.items():
            with atomic_write(path / name) as partial:
                partial.write_bytes(content)
        yield training, Trained(Checkpoint.load(path), measured)


def _training(comparison, folder, missing, seed, run):
    titles = tuple(row.title for each, row in missing if (each, row.run) == (seed, run))
    path = folder.run_path(run, seed)
    return Training(comparison.name, folder.settings, run, seed, titles, _files(path) if path.is_dir() else {})


def _files(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.suffix != ".partial"}


def train(training: Training) -> tuple[dict[str, bytes], dict[str, tuple[dict[str, Any], Any]]]:
    """Train a run in a temporary folder, and evaluate its rows; the scenes are drawn where this is done.

    Returns
    -------
    files : dict of str to bytes
        The files of the run.
    measured : dict of str to (dict, object)
        As in `Trained`.
    """
    from minivision.comparison import get_comparison
    from minivision.training import Checkpoint, train_in_turns

    comparison, settings = get_comparison(training.comparison), training.settings
    rows = [row for row in comparison.rows if row.title in training.titles]
    with tempfile.TemporaryDirectory(prefix="minivision-") as folder:
        path = pathlib.Path(folder)
        for name, content in training.files.items():
            (path / name).write_bytes(content)
        first = first_row(comparison, training.run)
        scenes = settings.scenes("train", first.scene_options)
        train_in_turns([training_arguments(first, path, settings, scenes, training.seed, _on_step)])
        held_out = settings.scenes("val", first.scene_options)
        found = qualities(comparison, rows, Checkpoint.load(path), held_out, lambda text: None)
        return _files(path), {row.title: (quality, outcomes) for row, quality, outcomes in found}


def _on_step(step, total):
    stop_if_cancelled()
