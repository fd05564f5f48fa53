"""A training run: the loop, its plan, its checkpoints and its log, and how it stops."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import pathlib
import time
import zlib
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from minivision.core.devices import on_host, to_device_of
from minivision.core.progress import progress_bar
from minivision.core.ranks import current_ranks, using_ranks
from minivision.layers.normalization import BatchNorm2d
from minivision.layers.watching import named_layers
from minivision.optim.schedules import rate_factor
from minivision.tasks import get_task
from minivision.training.batches import Batches, reseed
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


class Run:
    """A training run: the model, the optimizer, the steps taken, and the folder."""

    def __init__(
        self,
        model: Model,
        dataset: Dataset,
        settings: Settings,
        out: str | os.PathLike | None,
        data: Mapping[str, Any] | None,
        save_every: float,
        progress: bool,
        checkpoint: Checkpoint | None,
        start: float,
    ) -> None:
        self.model, self.dataset, self.settings = model, dataset, settings
        self.ranks = current_ranks()
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
            augment_probability=settings.augment_probability,
            instances=get_task(model.task).uses_instances,
        )
        for _, layer in named_layers(model):
            if isinstance(layer, BatchNorm2d):
                layer.synchronized = settings.sync_batch_norm
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
        if self.ranks.size > 1:
            for array in model.state().values():
                array[...] = to_device_of(self.ranks.broadcast(on_host(array)), array)
        self._say_ranks(checkpoint)
        self.start = start - self.seconds  # when it would have begun without interruptions
        self.deadline = None  # if minutes are given
        self.saved_step: int | None = None  # step of the last checkpoint
        self.smoothed: dict[str, float] = {}  # running means for the progress bar
        self.log = Log()

    def plan(self, minutes: float | None, steps: int | None) -> None:
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
        of_first = self.ranks.number_of_first  # whose clock all go by
        step_seconds = of_first(measured_step(self.model, self.batches, self.settings, seconds))
        finish_seconds = of_first(self.model.finish_seconds(self.dataset))
        now = of_first(time.perf_counter() - self.start)
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

    def train(
        self, on_step: Callable[[int, int], Any] | None = None, signals: Signals | None = None
    ) -> Generator[None, None, TrainingResult]:
        """Train to the end or to an interruption, save, and log it; yield after each step."""
        self.log = Log(self.out and self.out / LOG, step=self.step)
        try:
            if self.step == 0:
                self.save()  # fails now, not at the end, if the folder cannot be written to
            with stop_signals() if signals is None else contextlib.nullcontext(signals) as signals:
                yield from self._loop(signals, on_step)
                interrupted = self.step < self.total
                self.save()
            self._check_ranks()
            if not interrupted and not self.finished:
                reseed(self.model, self.settings.seed, self.total)  # as in a run that is resumed here
                with using_ranks(None):  # each rank does the same, from the same numbers
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
            while self.step < self.total and not self.ranks.any(signals.stop):
                began = time.perf_counter()
                rate = self._rate()
                losses, norm = take_step(self.model, self.optimizer, self.batches, self.step, rate, self.settings)
                now = time.perf_counter()
                self.step += 1
                self.seconds = now - self.start
                facts = {"rate": rate, "gradient_norm": norm, "seconds": round(self.seconds, 3)}
                self.log.append({"step": self.step, "loss": sum(losses.values()), **losses, **facts})
                if self.deadline is not None:
                    self.seconds = self.ranks.number_of_first(self.seconds)
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

    def _check_ranks(self):
        """Raise TrainingError unless all ranks have the same weights, as they must after the same updates."""
        digest = 0
        for array in self.model.state().values():
            digest = zlib.crc32(np.ascontiguousarray(on_host(array)), digest)
        others = [rank for rank, each in enumerate(self.ranks.gather_objects(digest)) if each != digest]
        if others:
            raise TrainingError(
                f"the weights of rank {self.ranks.rank} are not those of rank {others[0]}: one of them computes "
                "wrongly, or does not run the same program"
            )

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

    def _say_ranks(self, checkpoint):
        """Say how many ranks train, and what that means for a run that others began."""
        ranks, settings = self.ranks, self.settings
        if ranks.size > 1:
            of = "of all of them" if settings.sync_batch_norm else "of each rank"
            share = settings.batch_size // ranks.size
            self._say(
                f"{settings.batch_size} images in a step, {share} on each rank; batch normalization by the images {of}"
            )
        before = checkpoint.settings.get("ranks", 1) if checkpoint and checkpoint.step else ranks.size
        if before != ranks.size:
            same = "the same samples and sums, but the sums in another order: equal to rounding, not bit for bit"
            other = "batch normalization sees other parts of the batches, so the result differs"
            self._say(
                f"The run was trained by {_ranks(before)} and is continued by {_ranks(ranks.size)}: "
                f"{same if settings.sync_batch_norm else other}"
            )

    def _say(self, message):
        if self.progress:
            logger.info(message)

    def save(self) -> None:
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
            settings={
                **dataclasses.asdict(self.settings),
                "minutes": self.minutes,
                "moved": self.moved,
                "ranks": self.ranks.size,
            },
            data=self.data,
            seconds=self.seconds,
            finished=self.finished,
        ).save(self.out / CHECKPOINT)
        self.saved_step = self.step

    def _draw_curve(self):
        if self.out is not None and self.log.entries:
            from minivision.viz import save_loss_curve

            save_loss_curve(self.log.entries, self.out / CURVE)


def _ranks(number):
    return "1 rank" if number == 1 else f"{number} ranks"


def _duration(seconds):
    """Return a time for people: 9.5 s, 3 min 20 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
