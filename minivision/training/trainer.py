"""One trainer for every system: the loop, its checkpoints, its log, and how it stops."""

import contextlib
import dataclasses
import functools
import pathlib
import signal
import threading
import time

from minivision.core.allocator import keep_freed_memory
from minivision.data.memory import hold_in_memory
from minivision.metrics.compatibility import check_dataset
from minivision.optim.schedules import rate_factor, warmup_steps
from minivision.training.batches import Batches, one_size
from minivision.training.checkpoint import Checkpoint
from minivision.training.log import Log
from minivision.training.nonfinite import TrainingError
from minivision.training.planning import compile_step, corrected_plan, make_optimizer, steps_within, take_step
from minivision.training.settings import Settings

CHECKPOINT, LOG, CURVE = "checkpoint.npz", "log.jsonl", "loss.png"  # what a run leaves in its folder
DEFAULT_CROP = (128, 128)
SAVE_EVERY = 60.0  # seconds between checkpoints


@dataclasses.dataclass
class Result:
    """What became of a training run.

    Attributes
    ----------
    step, total : int
        Steps taken and planned.
    seconds : float
        Time of training, over all sessions.
    interrupted : bool
        Whether it was stopped before its end, by Ctrl-C or SIGTERM.
    stopped : bool
        Whether either came at all, be it during the last step.
    log : list of dict
        An entry for each step: ``step``, ``loss``, the losses by name, ``rate``, ``gradient_norm``,
        ``seconds``.
    """

    step: int
    total: int
    seconds: float
    interrupted: bool
    stopped: bool
    log: list


def train(
    model, dataset, *, out=None, minutes=None, steps=None, batch_size=None, optimizer=None, rate=None,
    weight_decay=None, schedule=None, warmup=None, clip=None, crop=None, flips=None, seed=None, resume=False,
    progress=True, on_step=None, save_every=SAVE_EVERY, data=None,
):  # fmt: skip
    """Train a model.

    Whatever is random at step t is a function of the seed and t alone. So a run that was interrupted and
    resumed ends with the same numbers, bit for bit, as one that was not.

    Parameters
    ----------
    model : Model
        Changed in place.
    dataset : Dataset
        Read into memory first, where it fits.
    out : path, optional
        A folder for the run: ``checkpoint.npz``, ``log.jsonl``, ``loss.png``. Made if absent.
    minutes : float, optional
        How long to train, from the moment when everything is compiled and the data are in memory. The number
        of steps that fit is found by timing a few on a copy of the model; it is corrected once, by the times of the
        real ones, where the rate has climbed (which changes ``warmup``, the part of the steps that this took).
    steps : int, optional
        How many steps to train; one of `minutes` and `steps` must be given, unless `resume`.
    batch_size, optimizer, rate, weight_decay, schedule, warmup, clip, crop, flips, seed : optional
        As in :class:`minivision.training.Settings`; what is not given comes from the checkpoint if `resume`,
        else from ``model.recipe``, else has the default there. Images of several sizes without a `crop` are
        trained on crops of 128x128.
    resume : bool
        Go on from the checkpoint in `out`. The number of steps stays as it was fixed then, unless other
        `steps` or `minutes` (from now) are given.
    progress : bool
        Whether to show a progress bar and say what is being done.
    on_step : callable, optional
        ``on_step(step, total)`` is called after each step, for a progress bar of your own.
    save_every : float
        Seconds between two checkpoints.
    data : dict, optional
        Kept in the checkpoint: how to open the data again.

    Returns
    -------
    Result
        Also when Ctrl-C or SIGTERM ended it: after the step at hand, with a checkpoint.

    Raises
    ------
    ValueError
        When a setting is out of range, or the model and the dataset do not fit.
    FileExistsError
        When `out` holds a run already, and `resume` is not given.
    FileNotFoundError
        When there is nothing to resume.
    TrainingError
        When a loss or a gradient is not finite; the last checkpoint stays as it is.
    """
    settings = dict(
        batch_size=batch_size, optimizer=optimizer, rate=rate, weight_decay=weight_decay, schedule=schedule,
        warmup=warmup, clip=clip, crop=crop, flips=flips, seed=seed, minutes=minutes,
    )  # fmt: skip
    say = functools.partial(print, flush=True) if progress else lambda *_: None
    if minutes is not None and steps is not None:
        raise ValueError("give minutes or steps, not both: each says how long to train")
    if minutes is None and steps is None and not resume:
        raise ValueError("say how long to train: give minutes or steps")
    if steps is not None and steps < 1:
        raise ValueError(f"steps: expected at least 1, got {steps}")
    check_dataset(model, dataset)
    checkpoint = open_run(out, resume)
    settings = Settings.resolve(settings, checkpoint.settings if checkpoint else {}, model.recipe)
    if settings.crop is None and not one_size(dataset):
        settings = dataclasses.replace(settings, crop=DEFAULT_CROP)
        say("The images have several sizes: training on crops of 128x128 (a size or a crop changes that)")
    dataset = hold_in_memory(dataset, progress=progress)
    prepared = model.prepare(dataset)
    dataset = dataset if prepared is None else prepared
    run = _Run(model, dataset, settings, out, data, save_every, checkpoint)
    if minutes is not None and checkpoint and checkpoint.settings.get("minutes") == minutes:
        minutes = None  # the same command once more: go on to the same end
    keep_freed_memory()
    run.plan(minutes, steps, say)
    return run.go(progress, say, on_step)


def open_run(out, resume):
    """Make the folder of a run; return the checkpoint to resume, or None.

    Raises
    ------
    FileExistsError, FileNotFoundError
        When there is a run where a new one should begin, or none to resume.
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
    """A training run on its way: the model, the optimiser, the steps taken, and the folder."""

    def __init__(self, model, dataset, settings, out, data, save_every, checkpoint):
        self.model, self.dataset, self.settings = model, dataset, settings
        self.out = None if out is None else pathlib.Path(out)
        self.data = data if data is not None else checkpoint.data if checkpoint else {}
        self.save_every = save_every
        self.batches = Batches(
            dataset,
            settings.batch_size,
            seed=settings.seed,
            crop=settings.crop,
            flips=settings.flips,
            instances=model.task != "segmentation",
        )
        self.optimizer = make_optimizer(model, settings)
        self.step = self.total = 0
        self.seconds, self.finished = 0.0, False
        if checkpoint:
            model.load_state(checkpoint.model)
            self.optimizer.load_state(checkpoint.optimizer)
            self.step, self.total = checkpoint.step, checkpoint.total
            self.seconds, self.finished = checkpoint.seconds, checkpoint.finished

    def plan(self, minutes, steps, say):
        """Fix the number of steps: given, or as many as fit into the minutes, or as it was."""
        self.clock = time.perf_counter()
        before, self.planned = self.seconds, None  # seconds of earlier sessions
        self.look_again, self.ends = None, []  # after which step the plan is corrected; when each one ended
        if steps is not None:
            self.total = steps
        elif minutes is not None:
            say(f"Compiled in {compile_step(self.model, self.batches, self.settings):.1f} s")
            self.clock = time.perf_counter()
            self.total = self.step + steps_within(self.model, self.batches, self.settings, 60 * minutes)
            self.planned = before + 60 * minutes
            if self.step == 0:
                self.look_again = warmup_steps(self.settings.warmup, self.total)
            say(f"{self.total - self.step} steps are planned to take {_duration(60 * minutes)}")
        self.clock -= before
        self.finished = self.finished and self.step == self.total
        if self.step > self.total:
            raise ValueError(f"the run has already taken {self.step} steps, more than the {self.total} asked for")

    def go(self, progress, say, on_step=None):
        """Train to the end or to an interruption, save, and say so."""
        self.log = Log(self.out and self.out / LOG, step=self.step)
        try:
            if self.step == 0:
                self.save()  # a folder that cannot be written to shows now, not at the end
            with _stop_signals() as signals:
                self._loop(signals, progress, say, on_step)
                interrupted = self.step < self.total
                self.save()
            if not interrupted and not self.finished:
                self.model.finish(self.dataset)
                self.finished = True
                self.save()
        except TrainingError as error:
            kept = f"; the checkpoint of step {self.saved} is kept in {self.out}" if self.out else ""
            raise TrainingError(f"{error}{kept}") from error
        finally:
            self.log.close()
            self._draw_curve()
        self.seconds = time.perf_counter() - self.clock
        if interrupted:
            saved = f"; saved in {self.out}" if self.out else ""
            say(f"Stopped after step {self.step} of {self.total}{saved}")
        else:
            planned = f" (planned: {_duration(self.planned)})" if self.planned else ""
            say(f"Trained {self.total} steps in {_duration(self.seconds)}{planned}")
        return Result(self.step, self.total, self.seconds, interrupted, signals.stop, self.log.entries)

    def _loop(self, signals, progress, say, on_step):
        from tqdm import tqdm

        saved_at = time.perf_counter()
        settings = self.settings
        with tqdm(total=self.total, initial=self.step, unit="step", disable=not progress) as bar:
            while self.step < self.total and not signals.stop:
                began = time.perf_counter()
                rate = settings.rate * rate_factor(settings.schedule, self.step, self.total, warmup=settings.warmup)
                losses, norm = take_step(self.model, self.optimizer, self.batches, self.step, rate, settings)
                now = time.perf_counter()
                self.step += 1
                self.seconds = now - self.clock
                self.ends.append(self.seconds)
                facts = {"rate": rate, "gradient_norm": norm, "seconds": round(self.seconds, 3)}
                self.log.append({"step": self.step, "loss": sum(losses.values()), **losses, **facts})
                if self.step == self.look_again:
                    bar.clear()
                    self._correct_plan(say)
                    bar.total, settings = self.total, self.settings
                bar.set_postfix(self._shown(losses, rate, now - began), refresh=False)
                bar.update()
                if on_step is not None:
                    on_step(self.step, self.total)
                if now - saved_at > self.save_every:
                    self.save()
                    saved_at = time.perf_counter()

    def _correct_plan(self, say):
        """Plan again by what the steps really took; keep the number, whatever happens next."""
        before = self.total
        self.settings, self.total = corrected_plan(self.settings, before, self.ends, self.planned)
        if self.total != before:
            say(f"{self.total} steps, as it turns out")
            self.save()

    def _shown(self, losses, rate, seconds):
        """Return what the progress bar shows: the losses and the speed, smoothed over about 20 steps."""
        latest = {**losses, "images/s": self.settings.batch_size / seconds}
        smooth = self.__dict__.setdefault("_smooth", latest)
        for name, value in latest.items():
            smooth[name] += 0.05 * (value - smooth[name])
        shown = {name: f"{value:.3f}" for name, value in smooth.items() if name != "images/s"}
        return {**shown, "rate": f"{rate:.1e}", "images/s": f"{smooth['images/s']:.0f}"}

    def save(self):
        """Write the log and the checkpoint, if there is a folder for them."""
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
            settings=dataclasses.asdict(self.settings),
            data=self.data,
            seconds=self.seconds,
            finished=self.finished,
        ).save(self.out / CHECKPOINT)
        self.saved = self.step

    def _draw_curve(self):
        if self.out is not None and self.log.entries:
            from minivision.viz import save_loss_curve

            save_loss_curve(self.log.entries, self.out / CURVE)


@contextlib.contextmanager
def _stop_signals():
    """Turn the first Ctrl-C or SIGTERM into ``.stop = True``; a second Ctrl-C stops at once, as always."""

    class Signals:
        stop = False

    signals = Signals()

    def stop(number, frame):
        if signals.stop and number == signal.SIGINT:
            raise KeyboardInterrupt
        signals.stop = True

    if threading.current_thread() is not threading.main_thread():  # only there may handlers be set
        yield signals
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _duration(seconds):
    """Say a time for people: 9.5 s, 3 min 20 s."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60} s"
