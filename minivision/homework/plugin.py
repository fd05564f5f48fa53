"""Running the tests of an assignment with pytest.

A test is a plain function with the mark ``task`` and the argument ``student``::

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
from minivision.homework import recorded_references
from minivision.homework.answers import shown
from minivision.homework.process import GraderError, ProcessStoppedError
from minivision.homework.student import Student

# Exceptions whose message is complete without their type and line.
SELF_EXPLANATORY = (CheckError, StudentFileError, ProcessStoppedError, NotImplementedError)
VISIBLE, HIDDEN = "tests", "hidden"  # folders of an assignment


@dataclasses.dataclass
class TestOutcome:
    """The outcome of one test.

    Attributes
    ----------
    task, name : str
        Id of the task, name of the test function.
    hidden : bool
    points : float
    passed : bool
    unwritten : bool
        Whether it failed because the function is still the blank.
    message : str
        What is wrong; of a test that passed its remark (``student.remark``); or an empty string.
    printed : str
        What the student's code printed, if a visible test failed.
    seconds : float
    used : float
        Seconds for which the student's code ran.
    in_short : str
        What ended it, if that was no wrong number: a limit, a crash or an exception. It tells nothing of any number.
        Of a file that is judged, why it does not earn the points.
    """

    __test__ = False  # not a class of tests, although its name begins with "Test"

    task: str
    name: str
    hidden: bool
    points: float
    passed: bool
    unwritten: bool = False
    message: str = ""
    printed: str = ""
    seconds: float = 0.0
    used: float = 0.0
    in_short: str = ""

    @property
    def earned(self):
        """The points if the test passed, else 0."""
        return self.points if self.passed else 0.0

    @property
    def public_message(self):
        """What students may read: of a hidden test only that it failed, since anything else may tell its numbers."""
        if self.passed or not self.hidden:
            return self.message
        return "not written yet" if self.unwritten else self.in_short or "wrong for other numbers"


class TestsError(RuntimeError):
    """Tests that cannot be collected or run. The cause is the tests, not the student's file."""

    __test__ = False


class HomeworkPlugin:
    """A pytest plugin that runs the tests of an assignment and collects a :class:`TestOutcome` for each.

    Parameters
    ----------
    assignment : Assignment
    file : path
        The student's file.
    tasks : sequence of str, optional
        Ids of the tasks whose tests are run. Default: all.
    substitutes : callable, optional
        ``substitutes(task)`` returns the functions that replace the student's functions of earlier tasks, by name.
    seed : int, optional
        Seed of the hidden tests. Default: the seed of the assignment.
    on_outcome : callable, optional
        ``on_outcome(outcome)`` is called after each test.
    **options
        See :class:`Student`: ``isolated``, ``library``, ``called``, ``refused``.

    Attributes
    ----------
    outcomes : list of TestOutcome
    problems : list of str
        Errors of pytest when it collected the tests.
    was_stopped : bool
        Whether Ctrl-C ended the tests.
    """

    def __init__(self, assignment, file, tasks=None, *, substitutes=None, seed=None, on_outcome=None, **options):
        self.assignment, self.file, self.tasks = assignment, pathlib.Path(file), tasks
        self.seed = assignment.seed if seed is None else seed
        self.substitutes, self.on_outcome = substitutes or (lambda task: {}), on_outcome or (lambda outcome: None)
        self.options = options
        self.outcomes, self.problems = [], []
        self.was_stopped = False
        self._student, self._student_of = None, None
        self._oracle, self._context = None, contextlib.ExitStack()

    # ---- which tests, in which order -----------------------------------------------------------------------------

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "task(id, points=0): the task of a test, and its points")

    def pytest_collection_modifyitems(self, config, items):
        order = [task.id for task in self.assignment.tasks]
        selected = []
        for item in items:
            mark = item.get_closest_marker("task")
            if mark is None or mark.args[0] not in order:
                raise TestsError(f"{item.nodeid}: each test needs @pytest.mark.task with one of {', '.join(order)}")
            if self.tasks is None or mark.args[0] in self.tasks:
                selected.append(item)
        items[:] = sorted(selected, key=lambda item: order.index(item.get_closest_marker("task").args[0]))

    # ---- the student's process, one for each task and kind of tests ------------------------------------------------

    def student_for(self, item):
        """Return the :class:`Student` for a test.

        Each task has a process of its own, so that an endless loop costs the points of one task only.
        """
        task, hidden = self.assignment.task(item.get_closest_marker("task").args[0]), is_hidden(item)
        if self._student_of != (task.id, hidden):
            self._close_student()
            self._student = Student(
                self.file,
                names=self.assignment.names,
                seconds=task.seconds,
                substitutes=self.substitutes(task),
                seed=self.seed if hidden else 0,
                small=not hidden,
                oracle=self.oracle(),
                imports=self.assignment.imports,
                **self.options,
            )
            self._student_of = task.id, hidden
        return self._student

    def _started_for(self, item):
        """Return the Student for a test. What goes wrong but is no error of the file is none of the student."""
        try:
            return self.student_for(item)
        except StudentFileError:
            raise
        except Exception as error:
            raise GraderError(
                f"the process of {self.file} cannot be started: {type(error).__name__}: {error}"
            ) from error

    def oracle(self):
        """Return the name of the backend whose results count as right: the recorded results in a release."""
        if self._oracle is None:
            path = self.assignment.folder / recorded_references.FILE
            recorded = recorded_references.recorded_backend(path) if path.exists() else None
            self._oracle = self._context.enter_context(recorded) if recorded else "reference"
        return self._oracle

    def _close_student(self):
        if self._student is not None:
            self._student.close()
        self._student = self._student_of = None

    def pytest_sessionfinish(self, session):
        self._close_student()
        self._context.close()
        self._oracle = None

    # ---- outcomes --------------------------------------------------------------------------------------------------

    def pytest_keyboard_interrupt(self, excinfo):
        self.was_stopped = type(excinfo.value) is KeyboardInterrupt  # pytest's own, after an error, are subclasses

    def pytest_collectreport(self, report):
        if report.failed:
            self.problems.append(str(report.longrepr))

    def pytest_runtest_protocol(self, item, nextitem):
        """Run a test and note its outcome, in place of the setup and report of pytest."""
        mark, start, used = item.get_closest_marker("task"), time.perf_counter(), 0.0
        outcome = TestOutcome(mark.args[0], item.name, is_hidden(item), mark.kwargs.get("points", 0), True)
        raised = self._student.raised if self._student_of == (outcome.task, outcome.hidden) else 0
        try:
            arguments = dict(getattr(getattr(item, "callspec", None), "params", {}))
            if "student" in item.fixturenames:
                arguments["student"] = student = self._started_for(item)
                student.remark, used = "", student.used
            item.obj(**arguments)
            outcome.message = shown(student.remark) if "student" in arguments else ""
        except GraderError as error:
            self.problems.append(str(error))
            item.session.shouldstop = str(error)
            return True
        except Exception as error:
            outcome.passed, outcome.unwritten = False, isinstance(error, NotImplementedError)
            outcome.message = shown(_message(error))
            outcome.in_short = getattr(error, "in_short", "")
            if isinstance(error, StudentFileError):
                outcome.in_short = "the file could not be loaded again"
            elif not outcome.in_short and self._student is not None and self._student.raised > raised:
                outcome.in_short = "your code raised an exception"
        # What it prints in hidden tests may be the numbers that it was given, so no report gets it.
        if not outcome.passed and not outcome.hidden and self._student is not None:
            outcome.printed = self._student.printed().strip()
        outcome.seconds = time.perf_counter() - start
        outcome.used = self._student.used - used if self._student is not None else 0.0
        self.outcomes.append(outcome)
        self.on_outcome(outcome)
        return True


def is_hidden(item):
    """Return whether a test is one of the hidden tests."""
    return HIDDEN in pathlib.Path(item.path).parent.name


def _message(error):
    """Return the message of an exception, with its type and line if the message alone is not complete."""
    text = str(error).strip()
    if isinstance(error, SELF_EXPLANATORY):
        return text
    if isinstance(error, AssertionError):
        text, _, _ = text.partition("\nassert ")  # what pytest appends to a message
        return text or "the assertion of the test is false"
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
        Ids of the tasks. Default: all.
    folders : sequence of str
        Folders of the tests: ``"tests"``, ``"hidden"``.
    **options
        See :class:`HomeworkPlugin`.

    Returns
    -------
    outcomes : list of TestOutcome

    Raises
    ------
    TestsError
        If the tests cannot be run.
    """
    plugin = HomeworkPlugin(assignment, file, tasks, **options)
    run_pytest(plugin, folders)
    return plugin.outcomes


def run_pytest(plugin, folders):
    """Run pytest in this process, with a plugin and the tests of its assignment.

    Parameters
    ----------
    plugin : HomeworkPlugin
    folders : sequence of str

    Raises
    ------
    TestsError
        If the tests cannot be run.
    """
    import pytest

    assignment = plugin.assignment
    paths = [str(path) for folder in folders for path in sorted((assignment.folder / folder).glob("test_*.py"))]
    if not paths:
        raise TestsError(f"{assignment.folder} has no tests")
    arguments = ["-q", "--import-mode=importlib", "--noconftest", "-p", "no:cacheprovider", "-p", "no:faulthandler"]
    arguments += ["-c", os.devnull, "--rootdir", str(assignment.folder), *paths]
    output = io.StringIO()
    _forget_modules(paths)  # of another folder, from a run that did not come to its end
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output), _without_other_plugins():
        code = pytest.main(arguments, plugins=[plugin])
    _forget_modules(paths)
    if plugin.was_stopped:  # pytest reports it and goes on
        raise KeyboardInterrupt
    allowed = pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED
    if plugin.problems or code not in allowed:
        raise TestsError("\n".join(plugin.problems) or output.getvalue().strip())


@contextlib.contextmanager
def _without_other_plugins():
    """Keep pytest from loading the plugins that are installed: none is needed, and a broken one would end all tests."""
    name = "PYTEST_DISABLE_PLUGIN_AUTOLOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


def _forget_modules(paths):
    """Remove imported test files: pytest would use them for files with the same name in another folder."""
    endings = tuple(os.sep + os.path.join(*pathlib.Path(path).parts[-2:]) for path in paths)  # /tests/test_trial.py
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).endswith(endings):
            del sys.modules[name]


def plain_plugin(folder):
    """Return a plugin for the command ``pytest`` in the folder of a release: its tests run like any other tests.

    Parameters
    ----------
    folder : path

    Returns
    -------
    plugin : module
    """
    import pytest

    from minivision.homework.manifest import load_assignment

    assignment = load_assignment(folder)
    homework = HomeworkPlugin(assignment, assignment.folder / assignment.file)
    plugin = types.ModuleType("minivision_homework")

    @pytest.fixture
    def student(request):
        return homework.student_for(request.node)

    plugin.student = student
    plugin.pytest_configure, plugin.pytest_sessionfinish = homework.pytest_configure, homework.pytest_sessionfinish
    return plugin
