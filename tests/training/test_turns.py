"""Trainings in turns take the steps that they would take alone, and the time of the others is not theirs."""

import os
import signal
import time

import numpy as np
import pytest
from training_runs import Blobs, new_model

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
