"""Grading of the library's own solution, before anybody's: it must earn everything, and its time is the measure."""

import dataclasses
import pathlib
import tempfile

from minivision.core.atomic import atomic_write
from minivision.homework import source
from minivision.homework.batch_grading import student_library
from minivision.homework.grading import grade

# A submission may take this many times as long as the library's solution takes on the same machine.
FACTOR = 10


class SeedError(ValueError):
    """With this seed a right solution would lose points: choose another one. The message names the tests."""


def write_solution(assignment, path, text=None):
    """Write the library's own solution: the student's file, and beside it the files that are judged.

    Parameters
    ----------
    assignment : Assignment
    path : path
        Of the student's file.
    text : str, optional
        Its text. Default: the solution of all tasks.

    Returns
    -------
    paths : list of Path
    """
    path = pathlib.Path(path)
    contents = {path: (source.solution(assignment) if text is None else text).encode()}
    contents |= {path.with_name(name): each.read_bytes() for name, each in assignment.solution_files.items()}
    for each, content in contents.items():
        with atomic_write(each) as partial:
            partial.write_bytes(content)
    return list(contents)


def with_measured_limits(assignment, *, seed=None, isolated=True):
    """Grade the library's own solution with a seed, and measure the time limits of this machine.

    Parameters
    ----------
    assignment : Assignment
    seed : int, optional
        Seed of the hidden tests. Default: the seed of the assignment.
    isolated : bool
        See :func:`minivision.homework.grading.grade`.

    Returns
    -------
    assignment : Assignment
        With more time for the tasks for which the library's solution is slow on this machine.

    Raises
    ------
    SeedError
        If the library's solution does not earn all points.
    """
    with tempfile.TemporaryDirectory(prefix="minivision-") as folder, student_library(assignment) as library:
        file, *_ = write_solution(assignment, pathlib.Path(folder) / assignment.file)
        report = grade(assignment, file, library=library, seed=seed, isolated=isolated)
    failed = [outcome for task in report.tasks for outcome in task.outcomes if not outcome.passed]
    if report.problem or failed or report.earned < assignment.points + assignment.bonus:
        lines = [report.problem] if report.problem else []
        lines += [f"{outcome.task} {outcome.name}: {outcome.message}" for outcome in failed]
        raise SeedError(
            f"with the seed {report.seed} the library's own solution earns {report.earned:g} of "
            f"{assignment.points + assignment.bonus:g} "
            "points, so nobody could earn all: choose another --seed, and report these tests\n" + "\n".join(lines)
        )
    scores = zip(assignment.tasks, report.tasks, strict=True)
    return dataclasses.replace(
        assignment,
        tasks=tuple(
            dataclasses.replace(task, seconds=max(task.seconds, FACTOR * _seconds(score))) for task, score in scores
        ),
    )


def _seconds(score):
    """Return how long the student's code ran in the visible or in the hidden tests of a task: a process for each."""
    return max(sum(each.used for each in score.outcomes if each.hidden == hidden) for hidden in (False, True))
