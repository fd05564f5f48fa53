"""An empty file earns nothing in any assignment, and a file without a function nothing for what is missing."""

import pytest

from minivision.core.registry import operations
from minivision.homework import assignments, load_assignment, source
from minivision.homework.plugin import HIDDEN, VISIBLE, run_tests

ASSIGNMENTS = [load_assignment(name) for name in assignments()]
CASES = [
    pytest.param(assignment, task, name, id=f"{assignment.name}-{name}")
    for assignment in ASSIGNMENTS
    for task in assignment.tasks
    for name in task.names
]


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda assignment: assignment.name)
def test_an_empty_file_passes_no_test(assignment, tmp_path):
    path = tmp_path / assignment.file
    path.write_text("")
    outcomes = run_tests(assignment, path, folders=(VISIBLE, HIDDEN))
    assert {outcome.task for outcome in outcomes} == {task.id for task in assignment.tasks}
    assert [outcome.name for outcome in outcomes if outcome.passed] == []


@pytest.mark.parametrize(("assignment", "task", "name"), CASES)
def test_tests_with_points_ask_for_each_function_by_name(assignment, task, name, tmp_path):
    """Those of its own task, and of the tasks that only use functions: there the library's would run in its place.

    A file that is judged by itself asks for no function: without it nothing is earned, whatever else is there.
    """
    path = tmp_path / assignment.file
    path.write_text(source.without_functions(source.blank(assignment), {name}))
    ids = [task.id]
    if name in operations():  # no layer calls another function
        users = [each for each in assignment.tasks if not each.functions and not each.file]
        ids += [each.id for each in users if not each.bonus or task in assignment.all_prerequisites(each)]
    outcomes = run_tests(assignment, path, ids, folders=(HIDDEN,))
    assert not any(outcome.passed for outcome in outcomes)
    missing = {
        each.task for each in outcomes if each.points and f"no function {name}" in " ".join(each.message.split())
    }
    assert missing == set(ids)
