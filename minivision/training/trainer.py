"""One trainer for every system: the loop, its checkpoints and its log, and how it stops."""

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
from minivision.core.progress import progress_bar
from minivision.data.memory import MEMORY_SHARE, InMemory, hold_in_memory
from minivision.optim.schedules import rate_factor
from minivision.tasks import get_task
from minivision.training.batches import Batches, BatchesAhead, has_one_size, reseed
from minivision.training.checkpoint import CHECKPOINT, Checkpoint
from minivision.training.log import LOG, Log
from minivision.training.nonfinite_layer import TrainingError
from minivision.training.planning import Deadline, compile_step, corrected_plan, measured_step
from minivision.training.settings import Settings
from minivision.training.signals import Signals, stop_signals
from minivision.training.step import make_optimizer, take_step

if TYPE_CHECKING:
    from minivision.data import Dataset
    from minivision.models.base.model import Model

CURVE = "loss.png"  # the loss curve in the folder of a run
DEFAULT_CROP = (128, 128)
SAVE_EVERY = 60.0  # seconds between checkpoints
SMOOTHING = 0.05  # weight of the latest step in the running means of the progress bar

logger = logging.getLogger("minivision")


@dataclasses.dataclass
class TrainingResult:
    """The result of a training run.

    Attributes
    ----------
    step, total : int
        Steps taken and planned.
    seconds : float
        Training time of all sessions.
    interrupted : bool
        Whether it was stopped before the last step, by Ctrl-C, SIGTERM or SIGHUP.
    stopped : bool
        Whether one of these signals came at all, be it during the last step.
    log : list of dict
        An entry for each step: ``step``, ``loss``, the losses by name, ``rate``, ``gradient_norm``, ``seconds``.
    """

    step: int
    total: int
    seconds: float
    interrupted: bool
    stopped: bool
    log: list[dict[str, Any]]


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
    checkpoint = open_run(out, resume)
    settings = (settings or Settings()).complete(checkpoint.settings if checkpoint else {}, model.recipe)
    if settings.crop is None and not has_one_size(dataset):
        settings = dataclasses.replace(settings, crop=DEFAULT_CROP)
        if progress:
            logger.info("The images have several sizes: training on crops of 128x128 (set a size or a crop to change)")
    dataset = hold_in_memory(dataset, progress=progress, memory_share=memory_share)
    start = time.perf_counter()
    on_disk = not isinstance(dataset, InMemory)
    prepared = model.prepare(dataset)
    dataset = dataset if prepared is None else prepared
    get_task(model.task).check_targets(dataset)
    if out is not None:
        _check_options(model)
    run = _Run(model, dataset, settings, out, data, save_every, progress, checkpoint, start)
    keep_freed_memory()
    with BatchesAhead(run.batches) if on_disk else contextlib.nullcontext(run.batches) as run.batches:
        run.plan(minutes, steps)
        return (yield from run.train(on_step, signals))


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
        if resume:
            raise ValueError("resume needs out, the folder of the run")
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


class _Run:
    """A training run: the model, the optimizer, the steps taken, and the folder."""

    def __init__(self, model, dataset, settings, out, data, save_every, progress, checkpoint, start):
        self.model, self.dataset, self.settings = model, dataset, settings
        self.out = None if out is None else pathlib.Path(out)
        self.data = dict(data) if data is not None else checkpoint.data if checkpoint else {}
        self.save_every, self.progress = save_every, progress
        self.batches = Batches(
            dataset,
            settings.batch_size,
            seed=settings.seed,
            crop=settings.crop,
            flips=settings.flips,
            augment=settings.augment,
            instances=get_task(model.task).uses_instances,
        )
        self.optimizer = make_optimizer(model, settings)
        self.step = self.total = 0
        self.seconds = 0.0  # training time, with that of earlier sessions
        self.finished = False
        self.minutes = None  # the length for which the number of steps was planned
        self.moved = None  # the step at which that number was last corrected, and the progress of the schedule then
        if checkpoint:
            model.load_state(checkpoint.model)
            self.optimizer.load_state(checkpoint.optimizer)
            self.step, self.total = checkpoint.step, checkpoint.total
            self.seconds, self.finished = checkpoint.seconds, checkpoint.finished
            self.minutes = checkpoint.settings.get("minutes")
            self.moved = checkpoint.settings.get("moved")
        self.start = start - self.seconds  # when it would have begun without interruptions
        self.deadline = None  # if minutes are given
        self.saved_step = None  # step of the last checkpoint
        self.smoothed = {}  # running means for the progress bar
        self.log = Log()

    def plan(self, minutes, steps):
        """Set the number of steps: as given, or as many as fit into the minutes, or as in the checkpoint."""
        if minutes is not None and minutes == self.minutes:
            minutes = None  # the same command again: the same end
        if steps is not None:
            self.total = steps
        elif minutes is not None:
            self.minutes = minutes
            self._plan_minutes(60 * minutes)
        self.finished = self.finished and self.step == self.total
        if self.step > self.total:
            raise ValueError(f"the run has already taken {self.step} steps, more than the {self.total} asked for")

    def _plan_minutes(self, seconds):
        """Plan as many steps as fit into `seconds` from the beginning of this session, but at least one."""
        compiling = compile_step(self.model, self.batches, self.settings)
        self._say(f"Compiled in {compiling:.1f} s")
        self.start += compiling
        step_seconds = measured_step(self.model, self.batches, self.settings, seconds)
        finish_seconds = self.model.finish_seconds(self.dataset)
        now = time.perf_counter() - self.start
        self.deadline = Deadline(self.seconds + seconds, now, step_seconds, finish_seconds)
        steps = max(1, self.deadline.steps_left)
        self.total = self.step + steps
        if now - self.seconds + finish_seconds > seconds:
            self._say(
                f"Preparing takes {_duration(now - self.seconds)} and finishing about {_duration(finish_seconds)}, "
                f"longer than the {_duration(seconds)} asked for: training one step"
            )
        else:
            self._say(f"{steps} steps are planned, to end after {_duration(seconds)}")

    def train(self, on_step=None, signals=None):
        """Train to the end or to an interruption, save, and log it; yield after each step."""
        self.log = Log(self.out and self.out / LOG, step=self.step)
        try:
            if self.step == 0:
                self.save()  # fails now, not at the end, if the folder cannot be written to
            with stop_signals() if signals is None else contextlib.nullcontext(signals) as signals:
                yield from self._loop(signals, on_step)
                interrupted = self.step < self.total
                self.save()
            if not interrupted and not self.finished:
                reseed(self.model, self.settings.seed, self.total)  # as in a run that is resumed here
                self.model.finish(self.dataset)
                self.finished = True
                self.save()
        except TrainingError as error:
            kept = f"; the checkpoint of step {self.saved_step} is kept in {self.out}" if self.out else ""
            raise TrainingError(f"{error}{kept}") from error
        except OSError as error:
            if self.saved_step is not None:
                self._say(f"The checkpoint of step {self.saved_step} is kept in {self.out}; resume from it")
            raise error
        finally:
            self.log.close()
            self._draw_curve()
        self.seconds = time.perf_counter() - self.start
        if interrupted:
            saved = f"; saved in {self.out}" if self.out else ""
            self._say(f"Stopped after step {self.step} of {self.total}{saved}")
        else:
            planned = f" (planned: {_duration(self.deadline.seconds)})" if self.deadline else ""
            self._say(f"Trained {self.total} steps in {_duration(self.seconds)}{planned}")
        return TrainingResult(self.step, self.total, self.seconds, interrupted, signals.stop, self.log.entries)

    def _loop(self, signals, on_step):
        saved_at = time.perf_counter()
        with progress_bar(total=self.total, initial=self.step, unit="step", disable=not self.progress) as bar:
            while self.step < self.total and not signals.stop:
                began = time.perf_counter()
                rate = self._rate()
                losses, norm = take_step(self.model, self.optimizer, self.batches, self.step, rate, self.settings)
                now = time.perf_counter()
                self.step += 1
                self.seconds = now - self.start
                facts = {"rate": rate, "gradient_norm": norm, "seconds": round(self.seconds, 3)}
                self.log.append({"step": self.step, "loss": sum(losses.values()), **losses, **facts})
                if self.deadline is not None:
                    self._correct_plan(bar)
                bar.set_postfix(self._progress(losses, rate, now - began), refresh=False)
                bar.update()
                if on_step is not None:
                    on_step(self.step, self.total)
                if now - saved_at > self.save_every:
                    self.save()
                    saved_at = time.perf_counter()
                paused = time.perf_counter()
                yield
                self.start += time.perf_counter() - paused

    def _rate(self):
        """Return the learning rate of the next step."""
        settings = self.settings
        return settings.rate * rate_factor(
            settings.schedule, self.step, self.total, warmup=settings.warmup, moved=self.moved
        )

    def _correct_plan(self, bar):
        """Plan again if the steps promise another end; save, so that a resumed run has the same number of steps."""
        self.deadline.passed(self.seconds)
        before = self.total
        self.settings, self.total, self.moved = corrected_plan(
            self.settings, self.step, before, self.moved, self.deadline
        )
        if self.total != before:
            bar.clear()
            bar.total = self.total
            self._say(f"The plan is corrected to {self.total} steps")
            self.save()

    def _progress(self, losses, rate, seconds):
        """Return the text of the progress bar: losses and speed, as running means over about 20 steps."""
        latest = {**losses, "images/s": self.settings.batch_size / seconds}
        for name, value in latest.items():
            self.smoothed.setdefault(name, value)
            self.smoothed[name] += SMOOTHING * (value - self.smoothed[name])
        shown = {name: f"{value:.3f}" for name, value in self.smoothed.items() if name != "images/s"}
        return {**shown, "rate": f"{rate:.1e}", "images/s": f"{self.smoothed['images/s']:.0f}"}

    def _say(self, message):
        if self.progress:
            logger.info(message)

    def save(self):
        """Write the log and the checkpoint, if the run has a folder."""
        if self.out is None:
            return
        self.log.flush()  # first, so that the log is never behind the checkpoint
        Checkpoint(
            system=self.model.name,
            classes=list(self.model.classes),
            options=self.model.options,
            model=self.model.state(),
            optimizer=self.optimizer.state(),
            step=self.step,
            total=self.total,
            settings={**dataclasses.asdict(self.settings), "minutes": self.minutes, "moved": self.moved},
            data=self.data,
            seconds=self.seconds,
            finished=self.finished,
        ).save(self.out / CHECKPOINT)
        self.saved_step = self.step

    def _draw_curve(self):
        if self.out is not None and self.log.entries:
            from minivision.viz import save_loss_curve

            save_loss_curve(self.log.entries, self.out / CURVE)


def _duration(seconds):
    """Return a time for people: 9.5 s, 3 min 20 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
