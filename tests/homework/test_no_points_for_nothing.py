"""An empty file earns nothing in any assignment, and a file without a function nothing for what is missing."""

import pytest

from minivision.homework import assignments, load_assignment, source
from minivision.homework.batch_grading import student_library
from minivision.homework.grading import grade
from minivision.homework.plugin import HIDDEN, VISIBLE, run_tests

ASSIGNMENTS = [load_assignment(name) for name in assignments()]


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.name)
def test_an_empty_file_earns_nothing_and_passes_nothing(assignment, tmp_path):
    path = tmp_path / assignment.file
    path.write_text("")
    with student_library(assignment) as library:
        report = grade(assignment, path, library=library)
    assert report.problem == "" and report.earned == 0
    assert [task.id for task in report.tasks if not task.outcomes] == []
    assert [outcome.name for task in report.tasks for outcome in task.outcomes if outcome.passed] == []


def without(assignment, name):
    return source.without_functions(source.solution(assignment), {name})


CASES = [
    pytest.param(assignment, task, name, id=f"{assignment.name}-{name}")
    for assignment in ASSIGNMENTS
    for task in assignment.tasks
    for name in task.names
]


@pytest.mark.parametrize(("assignment", "task", "name"), CASES)
def test_a_file_without_a_function_fails_every_test_of_it_and_of_what_uses_all(assignment, task, name, tmp_path):
    """A task of two functions keeps the points of the other one, whose tests do not name the missing one."""
    path = tmp_path / assignment.file
    path.write_text(without(assignment, name))
    ids = [task.id, *(each.id for each in assignment.tasks if not each.functions)]
    outcomes = run_tests(assignment, path, ids, folders=(VISIBLE, HIDDEN))
    missing = [outcome for outcome in outcomes if "has no function" in outcome.message]
    assert any(outcome.task == task.id and outcome.points for outcome in missing)
    if len(task.names) == 1:
        assert not any(outcome.passed for outcome in outcomes if outcome.task == task.id)
    for whole in ids[1:]:
        assert sum(outcome.points for outcome in missing if outcome.task == whole) > 0
