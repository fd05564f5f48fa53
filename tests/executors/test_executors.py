"""Executors in this process and in several: results, failures, ends of all kinds."""

import functools
import os
import signal
import subprocess
import sys

import pytest
from pieces import begun, die, is_gone, leave_a_trace, numba_threads, square

from minivision.executors import Failure, InProcess, Outcome, Processes, in_order, open_executor

HERE = os.path.dirname(__file__)


@pytest.mark.parametrize("jobs", [1, 2])
def test_each_piece_has_one_outcome_and_a_failure_stops_no_other(jobs):
    with open_executor(jobs) as executor:
        outcomes = list(executor.map_unordered(functools.partial(square, 10), range(8)))
    assert sorted(outcome.number for outcome in outcomes) == list(range(8))
    for outcome in outcomes:
        assert outcome.piece == outcome.number
        if outcome.piece == 3:
            assert outcome.result is None and outcome.failure.kind == "OddError"
            assert outcome.failure.message == "three at the third place" and "in square" in outcome.failure.details
        else:
            assert outcome.failure is None and outcome.result[0] == 10 * outcome.piece**2
    processes = {outcome.result[1] for outcome in outcomes if outcome.failure is None}
    assert processes == {os.getpid()} if jobs == 1 else os.getpid() not in processes


def test_processes_have_one_thread_each():
    (outcome,) = Processes(1).map_unordered(numba_threads, [None])
    assert outcome.result == 1


def test_a_process_that_is_killed_is_an_error_that_says_what_to_do():
    with pytest.raises(OSError, match=r"a process was killed.*run the same again"):
        list(Processes(1).map_unordered(die, range(3)))


def test_few_pieces_are_taken_before_they_are_needed():
    taken = []

    def pieces():
        for k in range(20):
            taken.append(k)
            yield k

    outcomes = Processes(1).map_unordered(functools.partial(square, 1), pieces())
    next(outcomes)
    assert len(taken) <= 4
    assert len(list(outcomes)) == 19 and len(taken) == 20


def test_an_iteration_that_ends_early_ends_its_processes_at_once(tmp_path):
    def pieces():
        yield 0
        begun(tmp_path, 1)
        raise KeyboardInterrupt  # as Ctrl-C, while the piece is done

    with pytest.raises(KeyboardInterrupt):
        list(Processes(1).map_unordered(functools.partial(leave_a_trace, tmp_path), pieces()))
    (process,) = begun(tmp_path, 1)
    assert is_gone(process) and not list(tmp_path.glob("done-*"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows ends workers itself")
def test_processes_end_with_their_parent(tmp_path):
    code = f"""
import functools, sys
sys.path.insert(0, {HERE!r})
from pieces import leave_a_trace
from minivision.executors import Processes
if __name__ == "__main__":
    list(Processes(1).map_unordered(functools.partial(leave_a_trace, {str(tmp_path)!r}), range(2)))
"""
    (tmp_path / "parent.py").write_text(code)
    with subprocess.Popen([sys.executable, tmp_path / "parent.py"]) as parent:
        (process,) = begun(tmp_path, 1)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert is_gone(process)


def test_outcomes_are_put_in_order_and_given_as_soon_as_it_is_their_turn():
    given = []

    def outcomes():
        for index in (2, 0, 1, 4, 3):
            yield Outcome(index, None, str(index), None)
            given.append(index)

    ordered = in_order(outcomes())
    assert next(ordered).result == "0" and given == [2]
    assert [outcome.result for outcome in ordered] == ["1", "2", "3", "4"]


def test_wrong_numbers_and_addresses_are_refused():
    with pytest.raises(ValueError, match="jobs: expected at least 1"):
        Processes(0)
    for address in ("10.0.0.5:8786", "tcp://host", "http://host:80", "tcp://host:port"):
        with pytest.raises(ValueError, match=r"--scheduler: expected tcp://HOST:PORT, got"):
            open_executor(scheduler=address)


def test_an_error_without_words_is_called_by_its_name():
    assert Failure.of(ZeroDivisionError()).message == "ZeroDivisionError"
    (outcome,) = InProcess().map_unordered(lambda piece: 1 / piece, [0])
    assert outcome.failure.message == "division by zero"


def test_without_dask_the_option_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"--scheduler needs Dask.*pip install 'minivision\[dask\]'"):
        open_executor(scheduler="tcp://127.0.0.1:8786")
