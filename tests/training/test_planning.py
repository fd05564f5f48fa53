"""Trainings of a given time: how many steps are planned, and how the plan is corrected."""

import copy
import itertools
import shutil
import time

import numpy as np
import pytest
from tiny_system import Blobs, TinySystem
from training_runs import StopAfter, bits, run

from minivision.data import Scenes
from minivision.models import make_model, system_class, systems
from minivision.optim.schedules import rate_factor, warmup_steps
from minivision.training import Checkpoint, Settings, train
from minivision.training.batches import Batches
from minivision.training.planning import Deadline, corrected_plan, measured_step


class Clock:
    """Replaces the clock of the machine, so that no plan depends on other work of the machine."""

    def __init__(self):
        self.now = 1000.0

    def perf_counter(self):
        return self.now

    def __deepcopy__(self, memo):
        return self


class Timed(TinySystem):
    """A model whose first 20 steps take `first` seconds each on the given clock, and the others `later`."""

    def __init__(self, clock, first=0.01, later=None, seed=0):
        super().__init__(Blobs.classes, rng=np.random.default_rng(seed))
        self.clock, self.first, self.later, self.count = clock, first, later or first, 0

    def step(self, batch):
        self.count += 1
        self.clock.now += self.first if self.count <= 20 else self.later
        return super().step(batch)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    for module in ("planning", "trainer", "run"):
        monkeypatch.setattr(f"minivision.training.{module}.time", clock)
    return clock


def test_a_run_of_minutes_keeps_the_time_and_equals_the_run_of_as_many_steps(tmp_path, clock):
    timed, result = run(Timed(clock), out=tmp_path, minutes=0.02, steps=None)  # 1.2 s
    # Three trial steps; a fifth of so short a time is for the final checkpoint.
    assert result.total == round((1.2 - 0.03 - 0.24) / 0.01) and result.seconds == pytest.approx(0.96)
    checkpoint = Checkpoint.load(tmp_path / "checkpoint.npz")
    assert checkpoint.total == result.total and checkpoint.settings["moved"] is None
    counted, _ = run(Timed(clock), steps=result.total)
    assert bits(timed) == bits(counted)  # compiling and timing did not change the model


def test_minutes_are_kept_on_the_clock_of_the_machine(tmp_path):
    start = time.perf_counter()
    _, result = run(out=tmp_path, minutes=0.02, steps=None)
    took = time.perf_counter() - start
    assert 0 < result.seconds <= took < 30  # wide limits: the machine may be busy


class Loads(Timed):
    """A model whose steps take as long as `load`, a function of the seconds since the beginning, says."""

    def __init__(self, clock, load, seed=0):
        super().__init__(clock, seed=seed)
        self.load, self.began = load, clock.now

    def step(self, batch):
        self.clock.now += self.load(self.clock.now - self.began)
        return TinySystem.step(self, batch)


LOADS = {
    "steady": lambda t: 0.1,
    "slower at half": lambda t: 0.1 if t < 30 else 0.4,
    "faster at half": lambda t: 0.4 if t < 30 else 0.1,
    "much slower near the end": lambda t: 0.1 if t < 54 else 0.5,
    "in bursts": lambda t: 0.1 if t % 7 < 4 else 0.3,
    "slower in the warmup": lambda t: 0.02 if t < 2 else 0.5,
    "steps of a twentieth of the time": lambda t: 3.0,
}


@pytest.mark.parametrize("load", LOADS)
def test_minutes_end_within_a_twentieth_of_what_was_asked_whatever_the_load(tmp_path, load, clock):
    began = clock.now
    _, result = run(Loads(clock, LOADS[load]), out=tmp_path, minutes=1, steps=None)
    first = LOADS[load](0)  # the step that compiles is no part of the minutes
    assert 57 < clock.now - began - first < 63
    assert result.seconds == pytest.approx(clock.now - began - first) and not result.interrupted
    assert result.log[-1]["rate"] < 0.05 * max(entry["rate"] for entry in result.log)  # the schedule came to its end


@pytest.mark.parametrize("name", systems())
def test_the_minutes_of_every_system_include_preparing_and_finishing(name, clock, monkeypatch):
    system = system_class(name)
    scenes = Scenes("easy", size=64, **system.scene_options).draw(2)
    model = make_model(name, scenes.classes)
    work = {"prepare": 2.5, "finish_seconds": 0.5, "finish": 4.0}
    slow = itertools.count()

    def takes(method, result):
        def replaced(dataset):
            clock.now += work[method] * (2 if method == "finish" else 1)  # the machine is half as fast by then
            return result

        monkeypatch.setattr(system, method, lambda self, dataset: replaced(dataset))

    takes("prepare", None)
    takes("finish_seconds", work["finish"])
    takes("finish", None)

    def step(self, batch):
        clock.now += 0.2 if next(slow) < 50 else 0.4
        self.zero_gradients()
        return {"loss": 1.0}

    monkeypatch.setattr(system, "step", step)
    monkeypatch.setattr(system, "__deepcopy__", lambda self, memo: self, raising=False)  # large, and not needed twice
    began = clock.now
    result = train(model, scenes, Settings(optimizer="sgd", weight_decay=0.0), minutes=0.5, progress=False)
    assert clock.now - began - 0.2 == pytest.approx(30, rel=0.05)
    assert result.seconds == pytest.approx(clock.now - began - 0.2)


def test_a_plan_is_corrected_after_the_warmup_and_the_schedule_goes_on(tmp_path, monkeypatch, clock):
    monkeypatch.setattr("minivision.training.run.measured_step", lambda *_: 0.001)  # by the cheap first steps
    kept = []

    def look(step, total):
        if step == 60:
            kept.append((total, Checkpoint.load(tmp_path / "checkpoint.npz").total))

    model = Timed(clock, first=0.001, later=0.005)
    _, result = run(model, out=tmp_path, minutes=0.025, steps=None, progress=True, on_step=look)  # 1.5 s
    planned = round((1.5 - 0.3) / 0.001)
    assert warmup_steps(0.05, planned) == 60
    assert kept[0][0] == kept[0][1] < planned / 2  # in the checkpoint at once, too
    assert result.step == result.total < planned / 3
    checkpoint = Checkpoint.load(tmp_path / "checkpoint.npz")
    assert warmup_steps(checkpoint.settings["warmup"], result.total) == 60
    rates = [entry["rate"] for entry in result.log]
    assert np.argmax(rates) in (59, 60) and rates == sorted(rates[:60]) + sorted(rates[60:], reverse=True)
    assert rates[-1] < 0.001 * max(rates)  # the schedule ends where the run does


def test_a_run_interrupted_after_a_correction_ends_with_the_same_bits(tmp_path, clock):
    def load(t):
        return 0.1 if t < 20 else 0.3

    def resumed(folder, until=None):
        model = Loads(clock, load, seed=9)
        if until:
            StopAfter(model, until)
        return run(model, out=folder, resume=True, minutes=1, steps=None)

    model = Loads(clock, load)
    StopAfter(model, 250)
    _, first = run(model, out=tmp_path / "once", minutes=1, steps=None)
    moved = Checkpoint.load(tmp_path / "once" / "checkpoint.npz").settings["moved"]
    assert first.interrupted and 100 < moved[0] < first.step
    shutil.copytree(tmp_path / "once", tmp_path / "twice")
    once, second = resumed(tmp_path / "once")
    assert resumed(tmp_path / "twice", until=30)[1].interrupted
    twice, third = resumed(tmp_path / "twice")
    assert first.total == second.step == third.step and bits(once) == bits(twice)
    rates = [entry["rate"] for entry in second.log]
    assert max(np.diff(rates[moved[0] :])) <= 0 and rates[-1] < 1e-3 * max(rates)


def test_a_correction_keeps_the_warmup_and_the_rate_of_the_moment():
    settings, deadline = Settings(warmup=0.05, schedule="cosine").complete(), Deadline(100.0, 0.0, 0.1)
    for step in range(1, 501):
        deadline.passed(0.1 * step)  # as planned until here
    assert corrected_plan(settings, 500, 990, None, deadline) == (settings, 990, None)
    for step in range(1, 51):
        deadline.passed(50 + 0.4 * step)
    changed, total, moved = corrected_plan(settings, 550, 990, None, deadline)
    assert moved == (550, (550 - 50) / (990 - 50)) and warmup_steps(changed.warmup, total) == 50
    assert total - 550 == pytest.approx(29 / 0.33, rel=0.3)  # some steps of the window took 0.1 s
    before = rate_factor("cosine", 550, 990, warmup=settings.warmup)
    after = [rate_factor("cosine", step, total, warmup=changed.warmup, moved=moved) for step in range(550, total)]
    assert after[0] == pytest.approx(before) and after == sorted(after, reverse=True) and after[-1] < 1e-3


def test_a_plan_is_not_corrected_in_the_warmup_unless_that_takes_a_quarter_of_the_time():
    settings, deadline = Settings(warmup=0.5).complete(), Deadline(100.0, 0.0, 0.1)
    for step in range(1, 25):
        deadline.passed(1.0 * step)
    assert corrected_plan(settings, 24, 990, None, deadline) == (settings, 990, None)
    deadline.passed(25.0)
    changed, total, moved = corrected_plan(settings, 25, 990, None, deadline)
    assert total == 25 + 74 and moved is None and warmup_steps(changed.warmup, total) == 25


def test_a_run_ends_when_its_time_is_over(clock):
    settings, deadline = Settings().complete(), Deadline(10.0, 0.0, 0.1)
    for step in range(1, 51):
        deadline.passed(0.1 * step)
    deadline.passed(10.5)
    assert corrected_plan(settings, 51, 90, None, deadline)[1] == 51


def test_an_interrupted_run_of_minutes_keeps_its_number_of_steps(tmp_path, clock):
    model = Timed(clock)
    StopAfter(model, 3)
    _, first = run(model, out=tmp_path, minutes=0.01, steps=None)
    assert first.interrupted and first.step == 3 < first.total
    _, second = run(Timed(clock), out=tmp_path, resume=True, minutes=0.01, steps=None)  # the same command once more
    assert second.step == second.total == first.total
    _, third = run(Timed(clock), out=tmp_path, resume=True, minutes=0.005, steps=None)  # more time than that
    assert third.step == third.total > first.total


def test_the_minutes_of_a_recipe_are_not_those_of_a_run_of_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(TinySystem, "recipe", {**TinySystem.recipe, "minutes": 3})
    run(steps=1, out=tmp_path)
    assert Checkpoint.load(tmp_path / "checkpoint.npz").settings["minutes"] is None


def test_one_trial_step_is_taken_however_short_the_time(clock):
    model = Timed(clock, first=1.0)
    copied = copy.deepcopy

    class SlowCopy(Timed):
        def __deepcopy__(self, memo):
            clock.now += 100.0  # longer than all trial steps may take
            return copied(model, memo)

    assert measured_step(SlowCopy(clock), Batches(Blobs(), 4), Settings().complete(), seconds=1.0) == 1.0


def test_one_step_is_trained_and_said_if_preparing_takes_longer_than_the_minutes(clock, monkeypatch, caplog):
    caplog.set_level("INFO", "minivision")

    class Preparing(Timed):
        def prepare(self, dataset):
            clock.now += 70.0

    _, result = run(Preparing(clock), minutes=1, steps=None, progress=True)
    assert result.step == 1 and "longer than the 1 min 0 s asked for: training one step" in caplog.text
