"""Trainings of a given time: how many steps are planned, and how the plan is corrected."""

import copy
import time

import numpy as np
import pytest
from tiny_system import Blobs, TinySystem
from training_runs import StopAfter, bits, run

from minivision.optim.schedules import warmup_steps
from minivision.training import Checkpoint, Settings
from minivision.training.batches import Batches
from minivision.training.planning import corrected_plan, steps_within


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
    for module in ("planning", "trainer"):
        monkeypatch.setattr(f"minivision.training.{module}.time", clock)
    return clock


def test_a_run_of_minutes_keeps_the_time_and_equals_the_run_of_as_many_steps(tmp_path, clock):
    timed, result = run(Timed(clock), out=tmp_path, minutes=0.02, steps=None)  # 1.2 s
    # Three trial steps; of the time left, a twentieth is reserved, and a fifth for the final checkpoint.
    assert result.total == int(1.17 * (0.95 - 0.2) / 0.01) and result.seconds == pytest.approx(0.03 + 0.87)
    checkpoint = Checkpoint.load(tmp_path / "checkpoint.npz")
    assert checkpoint.total == result.total
    counted, _ = run(Timed(clock), steps=result.total, warmup=checkpoint.settings["warmup"])
    assert bits(timed) == bits(counted)  # compiling and timing did not change the model


def test_minutes_are_kept_on_the_clock_of_the_machine(tmp_path):
    start = time.perf_counter()
    _, result = run(out=tmp_path, minutes=0.02, steps=None)
    took = time.perf_counter() - start
    assert 0 < result.seconds <= took < 30  # wide limits: the machine may be busy


def test_the_plan_is_corrected_if_later_steps_are_slower(tmp_path, monkeypatch, caplog, clock):
    caplog.set_level("INFO", "minivision")
    monkeypatch.setattr("minivision.training.trainer.steps_within", lambda *_: 1200)  # a plan by the cheap first steps
    kept = []

    def look(step, total):
        if step == 60:
            kept.append((total, Checkpoint.load(tmp_path / "checkpoint.npz").total))

    model = Timed(clock, first=0.001, later=0.005)
    _, result = run(model, out=tmp_path, minutes=0.03, steps=None, progress=True, on_step=look)  # 1.8 s
    assert kept == [(result.total, result.total)]  # in the checkpoint at once, too
    warmup_seconds = 20 * 0.001 + 40 * 0.005
    assert result.step == result.total == 60 + int((1.8 - warmup_seconds) * (0.95 - 0.2) / 0.005)
    assert f"The plan is corrected to {result.total} steps" in caplog.text
    checkpoint = Checkpoint.load(tmp_path / "checkpoint.npz")
    assert checkpoint.total == result.total and checkpoint.settings["warmup"] == 60 / result.total
    rates = [entry["rate"] for entry in result.log]
    assert np.argmax(rates) in (59, 60) and rates == sorted(rates[:60]) + sorted(rates[60:], reverse=True)
    assert rates[-1] < 0.001 * max(rates)  # the schedule ends where the run does


def test_a_run_interrupted_after_the_correction_ends_with_the_same_bits(tmp_path, monkeypatch, clock):
    monkeypatch.setattr("minivision.training.trainer.steps_within", lambda *_: 1200)
    model = Timed(clock, later=0.005)
    StopAfter(model, 61)
    _, first = run(model, out=tmp_path, minutes=0.02, steps=None)
    assert first.interrupted and first.step == 61 and first.total != 1200
    resumed, second = run(Timed(clock, seed=9), out=tmp_path, resume=True, minutes=0.02, steps=None)
    assert second.step == first.total
    warmup = Checkpoint.load(tmp_path / "checkpoint.npz").settings["warmup"]
    whole, _ = run(Timed(clock), steps=first.total, warmup=warmup)
    assert bits(resumed) == bits(whole)


def test_a_plan_is_corrected_by_the_second_half_of_the_warmup_and_not_by_a_few_steps():
    settings = Settings(warmup=0.05)
    ends = [0.01 * step for step in range(1, 51)] + [0.5 + 0.1 * step for step in range(1, 51)]  # slower, then as now
    changed, total = corrected_plan(settings, 2000, ends, seconds=5.5 + 101)
    assert total == 100 + int((101 * 0.95 - 1) / 0.1)
    assert warmup_steps(changed.warmup, total) == 100
    assert corrected_plan(settings, 600, ends[:30], seconds=100) == (settings, 600)


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

    assert steps_within(SlowCopy(clock), Batches(Blobs(), 4), Settings().complete(), seconds=1.0) == 1
