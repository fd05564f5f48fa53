"""What an assignment lacks, in sentences for whoever writes it: points in one place only, tasks that nobody tests."""

import collections

from minivision.homework.manifest import ManifestError
from minivision.homework.plugin import HIDDEN, VISIBLE, run_pytest


class _Marks:
    """A pytest plugin that notes the tasks and points of the tests, and runs none."""

    def __init__(self, assignment):
        self.assignment, self.problems, self.was_stopped, self.marks = assignment, [], False, []

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "task(id, points=0): the task of a test, and its points")

    def pytest_collectreport(self, report):
        if report.failed:
            self.problems.append(str(report.longrepr))

    def pytest_collection_modifyitems(self, items):
        for item in items:
            mark = item.get_closest_marker("task")
            if mark is not None and mark.args:
                self.marks.append((mark.args[0], mark.kwargs.get("points", 0)))
        items[:] = []


def advice(assignment):
    """Look for what would make grading unfair or pointless, without running anything.

    Parameters
    ----------
    assignment : Assignment

    Returns
    -------
    sentences : list of str
        What is wrong, where, and how to mend it. Empty if nothing is.

    Raises
    ------
    TestsError
        If the tests cannot be imported.
    """
    visible, hidden = (_marks(assignment, folder) for folder in (VISIBLE, HIDDEN))
    where = assignment.folder / "manifest.toml"
    if not hidden:
        return [f"{assignment.folder / HIDDEN} has no tests (test_*.py), and points come from them: nobody earns any"]
    sentences = []
    for task in assignment.tasks:
        mark = f'@pytest.mark.task("{task.id}", points={task.points:g})'
        points = sum(hidden.get(task.id, []))
        if task.id not in hidden:
            sentences.append(
                f"task {task.id} earns 0 of {task.points:g} points: no test in {HIDDEN}/ is marked with it. "
                f"Add one with {mark}"
            )
        elif points != task.points:
            sentences.append(
                f"task {task.id} has {task.points:g} points in {where}, and {points:g} in the marks of its tests in "
                f"{HIDDEN}/: change both"
            )
        if task.id not in visible:
            sentences.append(
                f"task {task.id} has no test that students see: add one to {VISIBLE}/ with "
                f'@pytest.mark.task("{task.id}")'
            )
    return sentences


def _marks(assignment, folder):
    """Return the points of the tests in a folder, a list for each task; empty without tests."""
    marks = _Marks(assignment)
    if not any((assignment.folder / folder).glob("test_*.py")):
        return {}
    run_pytest(marks, [folder])
    points = collections.defaultdict(list)
    for id, number in marks.marks:
        points[id].append(number)
    return dict(points)


def must_have_hidden_tests(assignment):
    """Refuse to grade an assignment whose tests give no points.

    Raises
    ------
    ManifestError
        If it has no hidden tests, as the folder of a student.
    """
    if not any((assignment.folder / HIDDEN).glob("test_*.py")):
        raise ManifestError(
            f"{assignment.folder} has no {HIDDEN}/test_*.py, and points come from them: give the assignment"
        )
