"""One trainer for every system: what it is given is checked, the data are read, and a run is started or resumed."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import pathlib
import time
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.allocator import keep_freed_memory
from minivision.core.folder_lock import folder_lock
from minivision.core.ranks import current_ranks
from minivision.data.memory import MEMORY_SHARE, InMemory, hold_in_memory
from minivision.tasks import get_task
from minivision.training.batches import BatchesAhead, has_one_size
from minivision.training.checkpoint import CHECKPOINT, Checkpoint
from minivision.training.log import LOG
from minivision.training.run import Run, TrainingResult
from minivision.training.settings import Settings
from minivision.training.signals import Signals

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.models.base.model import Model

DEFAULT_CROP = (128, 128)
SAVE_EVERY = 60.0  # seconds between checkpoints

logger = logging.getLogger("minivision")


def train(
    model: Model,
    dataset: Dataset,
    settings: Settings | None = None,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    data: Mapping[str, Any] | None = None,
    save_every: float = SAVE_EVERY,
    memory_share: float = MEMORY_SHARE,
    progress: bool = True,
    on_step: Callable[[int, int], Any] | None = None,
) -> TrainingResult:
    """Train a model.

    All random numbers of step t depend on the seed and t alone. So a run that was interrupted and resumed ends with the
    same numbers, bit for bit, as one that was not interrupted.

    Parameters
    ----------
    model : Model
        Changed in place.
    dataset : Dataset
        Read into memory first, if it fits; see `memory_share`.
    settings : Settings, optional
        Batch size, learning rate and so on. What is not given comes from the checkpoint if `resume`, else from
        ``model.recipe``, else from the defaults. Images of several sizes without a crop are trained on crops of
        128x128.
    steps : int, optional
        How many steps to train. One of `steps` and `minutes` must be given, unless `resume`.
    minutes : float, optional
        How long the training may take, with all that it does after reading the data and compiling: ``model.prepare``
        (such as proposing boxes), trial steps, the steps, checkpoints, ``model.finish`` (such as fitting support vector
        machines) and the loss curve. The number of steps is estimated from the trial steps, which a copy of the model
        takes. It is corrected when the times of the real steps promise another end, after the warmup and whenever the
        machine's speed changes. A correction moves the schedule of the learning rate, see
        :func:`minivision.optim.rate_factor`; without one, the same number of `steps` gives the same bits.
    out : path, optional
        Folder of the run, for ``checkpoint.npz``, ``log.jsonl`` and ``loss.png``. It is created if it does not exist.
    resume : bool
        Continue from the checkpoint in `out`. The number of steps stays the same, unless other `steps` or `minutes`
        (from now on) are given.
    data : mapping, optional
        How to open the data again; kept in the checkpoint.
    save_every : float
        Seconds between two checkpoints.
    memory_share : float
        Images that need more than this share of the available memory, 0 to 1, are read from disk when a batch needs
        them, ahead of it in a thread. The batches are the same, bit for bit.
    progress : bool
        Whether to show a progress bar and to log messages.
    on_step : callable, optional
        ``on_step(step, total)`` is called after each step.

    Returns
    -------
    result : TrainingResult
        Also when Ctrl-C, SIGTERM or SIGHUP stopped the run: the current step is finished, and a checkpoint saved.

    Raises
    ------
    ValueError
        When the model and the dataset do not fit, the dataset has nothing to learn, or both or none of `steps` and
        `minutes` are given.
    FileExistsError
        When `out` holds a run already, and `resume` is not given.
    FileNotFoundError
        When there is no run to resume.
    FolderInUseError
        When another process trains into `out`; it is an OSError.
    OSError
        When `out` cannot be written, such as on a full disk; its last checkpoint is kept.
    TrainingError
        When a loss or a gradient is not finite; the last checkpoint is kept.
    """
    training = train_by_steps(
        model, dataset, settings, steps=steps, minutes=minutes, out=out, resume=resume, data=data,
        save_every=save_every, memory_share=memory_share, progress=progress, on_step=on_step,
    )  # fmt: skip
    while True:
        try:
            next(training)
        except StopIteration as end:
            return end.value


def train_by_steps(
    model: Model,
    dataset: Dataset,
    settings: Settings | None = None,
    *,
    steps: int | None = None,
    minutes: float | None = None,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    data: Mapping[str, Any] | None = None,
    save_every: float = SAVE_EVERY,
    memory_share: float = MEMORY_SHARE,
    progress: bool = True,
    on_step: Callable[[int, int], Any] | None = None,
    signals: Signals | None = None,
) -> Generator[None, None, TrainingResult]:
    """Train as :func:`train` does, but yield after each step; the time until it is continued is no training time.

    So several trainings can take turns. The parameters are those of :func:`train`, and `signals`: what stops it, if the
    caller catches the signals.
    """
    if minutes is not None and steps is not None:
        raise ValueError("give minutes or steps, not both: each sets the length of the training")
    if minutes is None and steps is None and not resume:
        raise ValueError("how long to train? Give minutes or steps")
    if steps is not None and steps < 1:
        raise ValueError(f"steps: expected at least 1, got {steps}")
    if minutes is not None and not 0 < minutes < float("inf"):
        raise ValueError(f"minutes: expected a positive number, got {minutes}")
    get_task(model.task).check_dataset(model, dataset)
    if resume and out is None:
        raise ValueError("resume needs out, the folder of the run")
    if current_ranks().rank > 0:  # only the first one writes and speaks
        out, progress = None, False
    if out is None or resume and not pathlib.Path(out).is_dir():
        lock: contextlib.AbstractContextManager = contextlib.nullcontext()
    else:
        pathlib.Path(out).mkdir(parents=True, exist_ok=True)
        lock = folder_lock(out)
    with lock:
        return (
            yield from _train(
                model, dataset, settings, steps, minutes, out, resume, data, save_every, memory_share, progress,
                on_step, signals,
            )
        )  # fmt: skip


def _train(
    model, dataset, settings, steps, minutes, out, resume, data, save_every, memory_share, progress, on_step, signals,
):  # fmt: skip
    if len(dataset) == 0:
        raise ValueError("the dataset holds no images, so there is nothing to learn from")
    ranks = current_ranks()
    checkpoint = ranks.made_by_first(lambda: open_run(out, resume))
    if checkpoint is not None and ranks.rank == 0:
        _warn_of_new_options(model, checkpoint)
    settings = (settings or Settings()).complete(checkpoint.settings if checkpoint else {}, model.recipe)
    if settings.crop is None and not has_one_size(dataset):
        settings = dataclasses.replace(settings, crop=DEFAULT_CROP)
        if progress:
            logger.info("The images have several sizes: training on crops of 128x128 (set a size or a crop to change)")
    dataset = hold_in_memory(dataset, progress=progress, memory_share=memory_share / ranks.on_host)
    start = time.perf_counter()
    on_disk = not isinstance(dataset, InMemory)
    prepared = _prepare(model, dataset)
    dataset = dataset if prepared is None else prepared
    get_task(model.task).check_targets(dataset)
    if out is not None:
        _check_options(model)
    run = Run(model, dataset, settings, out, data, save_every, progress, checkpoint, start)
    keep_freed_memory()
    with BatchesAhead(run.batches) if on_disk else contextlib.nullcontext(run.batches) as run.batches:
        run.plan(minutes, steps)
        return (yield from run.train(on_step, signals))


def _prepare(model, dataset):
    """Return ``model.prepare(dataset)``; of several ranks the first one fills the caches for the others."""
    ranks = current_ranks()
    if ranks.rank > 0:
        ranks.wait_for_all()
    prepared = model.prepare(dataset)
    if ranks.rank == 0:
        ranks.wait_for_all()
    ranks.wait_for_all()
    return prepared


def _warn_of_new_options(model, checkpoint):
    """Say which options a run of an older version did not have: it goes on with other ones than it began with."""
    if checkpoint.system == model.name and (new := sorted(set(model.options) - set(checkpoint.options))):
        values = ", ".join(f"{name}={model.options[name]!r}" for name in new)
        logger.warning(
            "This run is of an older version, which did not have these options yet: %s. It goes on with them, "
            "and may have begun with others; if in doubt, train it anew",
            values,
        )


def _check_options(model):
    """Raise ValueError unless a checkpoint, which holds the options and the arrays, can make the model again."""
    from minivision.models import make_model, systems

    if model.name not in systems():  # a class of a script: its checkpoints are for itself
        return
    advice = f"{type(model).__name__} has to hand its arguments on: super().__init__(classes, name=value, ...)"
    try:
        again = make_model(model.name, model.classes, rng=np.random.default_rng(0), **model.options)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"the model cannot be made again from its options {model.options}: {error}; {advice}"
        ) from error
    shapes, expected = ({name: array.shape for name, array in each.state().items()} for each in (again, model))
    if shapes != expected:
        raise ValueError(f"a model made from the options {model.options} has arrays of other shapes; {advice}")


def open_run(out: str | os.PathLike | None, resume: bool) -> Checkpoint | None:
    """Create the folder of a run; return the checkpoint to resume, or None.

    Raises
    ------
    FileExistsError, FileNotFoundError
        When `out` holds a run and `resume` is not given, or when there is none to resume.
    """
    if out is None:
        return None
    out = pathlib.Path(out)
    path = out / CHECKPOINT
    if resume:
        if not path.exists():
            raise FileNotFoundError(f"{out} holds no run to resume: there is no {CHECKPOINT}")
        return Checkpoint.load(path)
    if any((out / name).is_file() and (out / name).stat().st_size for name in (CHECKPOINT, LOG)):
        raise FileExistsError(f"{out} already holds a run: resume it, or choose another folder")
    out.mkdir(parents=True, exist_ok=True)
    return None
