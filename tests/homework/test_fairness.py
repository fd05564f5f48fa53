"""No right solution loses points: by a seed, a helper's name, or what nobody asked for."""

import numpy as np
import pytest
from trial_assignment import HIDDEN, write_assignment

from minivision.checks import Limits, check_operation
from minivision.checks.memory import Memory
from minivision.core.temporary_backend import temporary_backend
from minivision.homework import load_assignment
from minivision.homework.own_solution import SeedError, with_measured_limits
from minivision.homework.seeds import LIBRARY, prove
from minivision.homework.student import is_empty


@pytest.fixture
def moody(tmp_path):
    """The trial assignment with a hidden test that no solution passes with the seed 3."""
    assignment = write_assignment(tmp_path)
    moody = HIDDEN.replace('student.check("relu", seed=student.seed)', "assert student.seed != 3, 'a bad day'")
    (tmp_path / "hidden" / "test_trial_hidden.py").write_text(moody)
    return assignment


# ---- seeds -----------------------------------------------------------------------------------------------------------


def proofs(*arguments, **options):
    found = prove(*arguments, **options)
    total = next(found)
    found = list(found)
    assert len(found) == total
    return {(proof.task, proof.solution): proof for proof in found}


def test_a_seed_with_which_right_solutions_fail_is_found(moody):
    found = proofs(moody, 5)
    assert set(found) == {(id, name) for id, *names in (("1.1", "where", "mask"), ("1.2", "product", "loop"))
                          for name in (LIBRARY, *names)}  # fmt: skip
    for (id, _), proof in found.items():
        assert proof.seeds == 6  # that of the assignment, and five others
        expected = [(3, "test_relu_of_other_numbers", "a bad day")] if id == "1.1" else []
        assert list(proof.failures) == expected


def test_a_case_that_passed_is_not_checked_again_and_others_share_what_depends_on_the_seed():
    called = {"first": 0, "second": 0}

    def relu_of(name):
        def relu(x):
            called[name] += 1
            return np.maximum(x, 0) if name == "first" else x

        return relu

    def check(name, memory, keep=None):
        with temporary_backend("counted", {"relu": relu_of(name)}) as backend:
            return check_operation("relu", backend, keep=keep, memory=memory)

    first = Memory()
    few = check("first", first, keep=lambda case: case["x"].ndim == 1)
    before = called["first"]
    everything = check("first", first)
    assert few.verdict == everything.verdict == "ok" and 0 < few.cases < everything.cases
    assert called["first"] == before + 2 * (everything.cases - few.cases)  # in float64 and float32
    wrong = check("second", Memory(first))
    assert wrong.verdict == "wrong" and called["second"] >= everything.cases  # what passed is no other solution's
    assert check("second", Memory(first)).verdict == "wrong"


@pytest.mark.parametrize("tasks", ["1.1", "2.1 2.3", "3.2 3.3 3.12"])
def test_the_hidden_tests_hold_for_some_seeds(tasks):
    """``minivision homework check hw1 --seeds 500`` proves all tasks for many."""
    tasks = tasks.split()
    for (id, solution), proof in proofs(load_assignment(f"hw{tasks[0][0]}"), 1, tasks=tasks, first=1000).items():
        assert not proof.failures, (id, solution, proof.failures)


def test_the_solution_is_graded_first_and_a_bad_seed_stops(moody):
    measured = with_measured_limits(moody, seed=4, isolated=False)
    assert [task.seconds for task in measured.tasks] >= [task.seconds for task in moody.tasks]
    with pytest.raises(SeedError, match=r"with the seed 3 .* earns 6 of 10 points[\s\S]*a bad day"):
        with_measured_limits(moody, seed=3, isolated=False)


# ---- helpers, corners, tolerances ------------------------------------------------------------------------------------


def test_a_helper_may_be_called_like_an_operation(graded):
    report = graded(after="\n\ndef sigmoid(z, slope):\n    return z\n")
    assert report.earned == 10, report


def test_empty_arrays_are_tried_only_where_a_test_says_so():
    nothing = np.zeros((0, 4))
    assert is_empty({"boxes": nothing, "scores": np.zeros(3)}) and not is_empty({"boxes": np.zeros((1, 4))})
    assert is_empty({"map_size": (0, 4)}) and not is_empty({"padding": (0, 1), "stride": (1, 1)})
    assert not is_empty({"boxes": nothing, "scores": np.zeros(3)}, ("boxes",))
    assert is_empty({"boxes": nothing, "scores": np.zeros(0)}, ("boxes",))


def test_a_tolerance_allows_an_epsilon_and_no_more():
    def verdict(epsilon, tolerance):
        def relu(x):
            return (np.maximum(x, 0) * (1 - epsilon)).astype(x.dtype)

        with temporary_backend("epsilon", {"relu": relu}) as backend:
            return check_operation("relu", backend, limits=Limits(tolerance=tolerance)).verdict

    assert [verdict(1e-6, 1e-5), verdict(1e-6, 0), verdict(1e-4, 1e-5)] == ["ok", "wrong", "wrong"]
