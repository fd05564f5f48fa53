"""Training and measuring the rows of a comparison, one after the other."""

import dataclasses

import numpy as np

from minivision.comparison.folder import Folder
from minivision.comparison.progress import Progress
from minivision.models.base.resizing import Resizing

MEASURING = 10  # seconds that measuring a row is taken to last, for the progress bar


def run_comparison(comparison, out, settings, *, progress=True):
    """Train and measure every row that is not done yet; write the table and the figure.

    Parameters
    ----------
    comparison : Comparison
    out : path
        A folder for ``comparison.csv``, ``comparison.md``, ``comparison.png`` and the folders of the runs. Where it
        holds this comparison, begun with the same settings, that goes on: rows that are done are not done again,
        and a training that was interrupted is resumed.
    settings : Settings
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    bool
        Whether all rows are done; False if Ctrl-C or SIGTERM ended a training.

    Raises
    ------
    ValueError
        When `out` holds something else or was begun with other settings, or there are not so many scenes.
    TrainingError
        When the losses or gradients of a system are not finite.
    """
    folder = Folder(out, comparison, settings)
    missing = folder.missing()
    seconds = 60 * settings.minutes
    total = seconds * len({row.run for row in comparison.rows}) + MEASURING * len(comparison.rows)
    left = seconds * len({row.run for row in missing}) + MEASURING * len(missing)
    with Progress(total, total - left, shown=progress) as bar:
        try:
            return not missing or _run(comparison, folder, missing, bar)
        finally:
            bar.say("writing the table")
            folder.write()


def _run(comparison, folder, missing, bar):
    settings = folder.settings
    bar.say("reading scenes")
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
                    bar.say(f"{row.title}: evaluating")
                    quality = comparison.quality(model, val_scenes)
                bar.say(f"{row.title}: measuring")
                folder.keep(row, {**quality, **training, **comparison.costs(model, val_scenes)})
                bar.spend(MEASURING)
    return True


def _model_of(row, checkpoint):
    """Return the trained model of a run as a row wants it."""
    model = dataclasses.replace(checkpoint, options={**checkpoint.options, **row.variant}).make_model()
    return model if row.size is None else Resizing(model, (row.size, row.size))


def _train(comparison, run, path, scenes, settings, bar):
    """Train a run, or go on with it; return its last checkpoint, or None where it was told to stop."""
    from minivision.models import make_model
    from minivision.training import Checkpoint, Settings, train
    from minivision.training.checkpoint import CHECKPOINT

    row = next(row for row in comparison.rows if row.run == run)
    model = make_model(row.system, scenes.classes, rng=np.random.default_rng(settings.seed), **row.options)
    data = {"data": "scenes", "level": settings.level, "split": "train", "size": None, "skip_broken": False}
    bar.say(f"{run}: training")
    on_step = bar.steps(60 * settings.minutes)
    result = train(
        model, scenes, Settings(seed=settings.seed), minutes=settings.minutes, out=path, data=data, progress=False,
        on_step=on_step, resume=(path / CHECKPOINT).exists(),
    )  # fmt: skip
    on_step(result.step, result.total)  # also where nothing was left to do
    return None if result.stopped else Checkpoint.load(path / CHECKPOINT)
