"""Fixtures: the trial assignment, the library without its functions, and submissions from a few lines of code."""

import dataclasses

import pytest
from trial_assignment import write_assignment

from minivision.homework import source
from minivision.homework.batch_grading import student_library
from minivision.homework.grading import grade


@pytest.fixture(scope="session")
def trial(tmp_path_factory):
    return write_assignment(tmp_path_factory.mktemp("trial"))


@pytest.fixture(scope="session")
def library(trial):
    with student_library(trial) as folder:
        yield folder


@pytest.fixture
def submit(trial, tmp_path):
    """Write a submission: bodies by the names of functions (default: the library's), and code before and after them."""

    def write(relu=None, relu_backward=None, before="", after="", name="trial.py"):
        bodies = {"relu": relu, "relu_backward": relu_backward}
        text = source.student_file(trial, lambda task, function: bodies[function.name] or function.body)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("import numpy as np\n", f"import numpy as np\n{before}\n", 1) + after)
        return path

    return write


@pytest.fixture
def graded(trial, library, submit):
    """Grade a submission that `submit` writes; `seconds` are the time limits of the tasks."""

    def run(seconds=None, **submission):
        tasks = zip(trial.tasks, seconds or [task.seconds for task in trial.tasks], strict=True)
        tasks = tuple(dataclasses.replace(task, seconds=limit) for task, limit in tasks)
        return grade(dataclasses.replace(trial, tasks=tasks), submit(**submission), library=library)

    return run
