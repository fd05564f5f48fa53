"""Tests of an assignment, run by pytest: plain functions with the mark ``task`` and the fixture ``student``.

::

    @pytest.mark.task("1.3", points=4)
    def test_windows_that_overlap(student):
        student.check("max_pool2d", keep=lambda case: case["kernel_size"] == 3)
"""

import contextlib
import dataclasses
import io
import os
import pathlib
import sys
import time
import types

from minivision.checks import CheckError, StudentFileError
from minivision.homework.process import Stopped
from minivision.homework.recorded_references import playing
from minivision.homework.student import Student

TELLING = (CheckError, StudentFileError, Stopped, NotImplementedError)  # their message says it all
VISIBLE, HIDDEN = "tests", "hidden"


@dataclasses.dataclass
class Outcome:
    """What became of one test.

    Attributes
    ----------
    task, name : str
    hidden : bool
    points, earned : float
    passed, unwritten : bool
        Whether it holds; and whether that is because the function is still as it was handed out.
    message : str
        What is wrong; empty when it passed.
    printed : str
        What the student's code printed, where something is wrong.
    seconds : float
    """

    task: str
    name: str
    hidden: bool
    points: float
    passed: bool
    unwritten: bool = False
    message: str = ""
    printed: str = ""
    seconds: float = 0.0

    @property
    def earned(self):
        return self.points if self.passed else 0.0


class TestsError(RuntimeError):
    """Tests that cannot be collected or run, which is not a student's fault."""

    __test__ = False


class HomeworkPlugin:
    """What pytest needs for the tests of an assignment; it collects an :class:`Outcome` for each.

    Parameters
    ----------
    assignment : Assignment
    file : path
        The student's file.
    tasks : sequence of str, optional
        The ids of the tasks whose tests are run; by default all.
    served : callable, optional
        ``served(task)`` returns the functions that stand in for the student's own ones of earlier tasks.
    seed : int, optional
        Of hidden tests; by default the assignment's.
    told : callable, optional
        Called with each outcome.
    **options
        Of :class:`Student`: ``locked``, ``library``.
    """

    def __init__(self, assignment, file, tasks=None, *, served=None, seed=None, told=None, **options):
        self.assignment, self.file, self.tasks = assignment, pathlib.Path(file), tasks
        self.seed = assignment.seed if seed is None else seed
        self.served, self.told, self.options = served or (lambda task: {}), told or (lambda outcome: None), options
        self.outcomes, self.problems = [], []
        self._student, self._of, self.missing = None, None, []

    # ---- which tests, in which order -----------------------------------------------------------------------------

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "task(id, points=0): the task that a test belongs to, and what it earns")

    def pytest_collection_modifyitems(self, config, items):
        order = [task.id for task in self.assignment.tasks]
        chosen = []
        for item in items:
            mark = item.get_closest_marker("task")
            if mark is None or mark.args[0] not in order:
                raise TestsError(f"{item.nodeid}: each test needs @pytest.mark.task of one of {', '.join(order)}")
            if self.tasks is None or mark.args[0] in self.tasks:
                chosen.append(item)
        items[:] = sorted(chosen, key=lambda item: order.index(item.get_closest_marker("task").args[0]))

    # ---- the student's process, one for each task and kind of tests ------------------------------------------------

    def student_for(self, item):
        """Return the student's file, loaded; anew for each task, so that an endless loop costs no other."""
        task, hidden = self.assignment.task(item.get_closest_marker("task").args[0]), _is_hidden(item)
        if self._of != (task.id, hidden):
            self.close()
            self._student = Student(
                self.file,
                seconds=task.seconds,
                served=self.served(task),
                seed=self.seed if hidden else 0,
                small=not hidden,
                **self.options,
            )
            self._of, self.missing = (task.id, hidden), self._student.missing
        return self._student

    def close(self):
        if self._student is not None:
            self._student.close()
        self._student = self._of = None

    def pytest_sessionfinish(self, session):
        self.close()

    # ---- what became of them ---------------------------------------------------------------------------------------

    def pytest_collectreport(self, report):
        if report.failed:
            self.problems.append(str(report.longrepr))

    def pytest_runtest_protocol(self, item, nextitem):
        """Run a test and note its outcome, in place of pytest's own set-up and report."""
        mark, start = item.get_closest_marker("task"), time.perf_counter()
        outcome = Outcome(mark.args[0], item.name, _is_hidden(item), mark.kwargs.get("points", 0), True)
        try:
            given = dict(getattr(getattr(item, "callspec", None), "params", {}))
            if "student" in item.fixturenames:
                given["student"] = self.student_for(item)
            item.obj(**given)
        except Exception as error:
            outcome.passed, outcome.unwritten = False, isinstance(error, NotImplementedError)
            outcome.message = _message(error, item)
        if not outcome.passed and self._student is not None:
            outcome.printed = self._student.printed().strip()
        outcome.seconds = time.perf_counter() - start
        self.outcomes.append(outcome)
        self.told(outcome)
        return True


def _is_hidden(item):
    return HIDDEN in pathlib.Path(item.path).parent.name


def _message(error, item):
    """Say what is wrong: what the error says, where that is enough; with the test's line where it is not."""
    text = str(error).strip()
    if isinstance(error, TELLING):
        return text
    if isinstance(error, AssertionError):
        return text or "it does not hold"
    frame = getattr(error, "frame", None)
    line = f" in line {frame.lineno}: `{frame.line}`" if frame else ""
    return f"{type(error).__name__}{line}: {text}" if text else f"{type(error).__name__}{line}"


def run_tests(assignment, file, tasks=None, *, folders=(VISIBLE,), **options):
    """Run tests of an assignment on a student's file.

    Parameters
    ----------
    assignment : Assignment
    file : path
    tasks : sequence of str, optional
        Ids; by default all.
    folders : sequence of str
        Which tests: ``"tests"``, ``"hidden"``.
    **options
        Of :class:`HomeworkPlugin`.

    Returns
    -------
    HomeworkPlugin
        With ``outcomes``.

    Raises
    ------
    TestsError
        When the tests themselves cannot be run.
    """
    import pytest

    plugin = HomeworkPlugin(assignment, file, tasks, **options)
    paths = [str(path) for folder in folders for path in sorted((assignment.folder / folder).glob("test_*.py"))]
    if not paths:
        raise TestsError(f"{assignment.folder} has no tests")
    arguments = ["-q", "--import-mode=importlib", "--noconftest", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    said = io.StringIO()
    with stored_answers(assignment), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(
            [*arguments, "-c", os.devnull, "--rootdir", str(assignment.folder), *paths],
            plugins=[plugin],
        )
    _forget(paths)
    if plugin.problems or code not in (
        pytest.ExitCode.OK,
        pytest.ExitCode.TESTS_FAILED,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    ):
        raise TestsError("\n".join(plugin.problems) or said.getvalue().strip())
    return plugin


def _forget(paths):
    """Drop imported test files: pytest would take one of the same name for them, in another folder."""
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) in paths:
            del sys.modules[name]


def stored_answers(assignment):
    """Return a context in which the textbook's answers come from the assignment's folder, if they are there."""
    path = assignment.folder / "answers.bin"
    return playing(path) if path.exists() else contextlib.nullcontext()


def plain_plugin(folder):
    """Return a plugin with which ``pytest`` itself, in the folder of a release, runs its tests as any other tests."""
    import pytest

    from minivision.homework.manifest import load_assignment

    assignment = load_assignment(folder)
    plugin = HomeworkPlugin(assignment, assignment.folder / assignment.file)
    module = types.ModuleType("minivision_homework")

    @pytest.fixture
    def student(request):
        with stored_answers(assignment):
            yield plugin.student_for(request.node)

    module.student = student
    module.pytest_configure, module.pytest_sessionfinish = plugin.pytest_configure, plugin.pytest_sessionfinish
    return module
