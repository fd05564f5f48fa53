"""Trainings in turns take the steps that they would take alone, and the time of the others is not theirs."""

import copy
import os
import signal
import time

import numpy as np
import pytest
from tiny_system import Blobs, TinySystem
from training_runs import new_model

from minivision.training import Checkpoint, Settings, train, train_in_turns


def arguments(seed, **more):
    return {"model": new_model(), "dataset": Blobs(16), "settings": Settings(seed=seed), "progress": False, **more}


def test_each_ends_with_the_bits_that_it_has_alone():
    together = [arguments(seed, steps=6 + seed) for seed in (0, 1)]
    results = train_in_turns(together, turn_seconds=0)
    for seed, (mine, result) in enumerate(zip(together, results, strict=True)):
        alone = arguments(seed, steps=6 + seed)
        expected = train(**alone)
        assert (result.step, result.total) == (expected.step, expected.total) == (6 + seed, 6 + seed)
        for name, array in alone["model"].state().items():
            np.testing.assert_array_equal(mine["model"].state()[name], array, err_msg=name)


def test_they_alternate_and_the_others_turns_are_not_training_time():
    order = []

    def steps_of(name, pause):
        def on_step(step, total):
            order.append(name)
            time.sleep(pause)

        return on_step

    slow, quick = train_in_turns(
        [arguments(0, steps=4, on_step=steps_of("slow", 0.1)), arguments(0, steps=4, on_step=steps_of("quick", 0))],
        turn_seconds=0.0,
    )
    assert order == ["slow", "quick"] * 4
    assert slow.seconds > 0.4 and quick.seconds < 0.3


def test_a_turn_takes_as_many_steps_as_fit():
    order = []
    pair = [arguments(0, steps=4, on_step=lambda step, total, name=name: order.append(name)) for name in "ab"]
    train_in_turns(pair, turn_seconds=60)
    assert order == list("aaaabbbb")


def test_ctrl_c_saves_all_and_both_resume(tmp_path):
    def stop(step, total):
        if step == 2:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    folders = [tmp_path / name for name in "ab"]
    pair = [arguments(k, steps=5, out=folder, on_step=stop if k == 0 else None) for k, folder in enumerate(folders)]
    results = train_in_turns(pair, turn_seconds=0)
    assert all(result.stopped for result in results) and signal.getsignal(signal.SIGINT) is before
    assert [Checkpoint.load(folder).step for folder in folders] == [2, 1]
    again = [arguments(k, steps=5, out=folder, resume=True) for k, folder in enumerate(folders)]
    assert [result.step for result in train_in_turns(again, turn_seconds=0)] == [5, 5]


def test_an_error_in_one_ends_the_others_and_frees_their_folders(tmp_path):
    def fail(step, total):
        raise ZeroDivisionError

    pair = [arguments(0, steps=3, out=tmp_path / "a"), arguments(1, steps=3, out=tmp_path / "b", on_step=fail)]
    with pytest.raises(ZeroDivisionError):
        train_in_turns(pair, turn_seconds=0)
    assert train(**arguments(0, steps=3, out=tmp_path / "a", resume=True)).step == 3


class Clocked(TinySystem):
    """The tiny system on a machine of its own time: a step takes `pace(step)` seconds."""

    def step(self, batch):
        losses = super().step(batch)
        self.clock[0] += self.pace(self.taken)
        self.taken += 1
        return losses

    def __deepcopy__(self, memo):
        copied = object.__new__(type(self))
        vars(copied).update({k: v if k == "clock" else copy.deepcopy(v, memo) for k, v in vars(self).items()})
        return copied


def clocked(clock, pace):
    model = Clocked(Blobs.classes, rng=np.random.default_rng(0))
    model.clock, model.pace, model.taken = clock, pace, 0
    return model


def test_minutes_are_kept_by_both_when_the_machine_becomes_slower_or_faster(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    paces = (lambda step: 0.02 if step < 300 else 0.06), (lambda step: 0.1 if step < 100 else 0.03)
    pair = [arguments(0, minutes=0.5) | {"model": clocked(clock, pace)} for pace in paces]
    results = train_in_turns(pair)
    for result in results:
        assert result.seconds == pytest.approx(30, rel=0.05) and result.step == result.total
        rates = [entry["rate"] for entry in result.log]
        assert rates[-1] < 0.001 * max(rates)  # the schedule ends where the training does
