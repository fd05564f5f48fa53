"""A folder of submissions: graded side by side, with a table of the class."""

import concurrent.futures
import csv
import functools
import multiprocessing
import pathlib
import tempfile

from minivision.core.atomic import atomic_write
from minivision.homework.grading import Result, grade
from minivision.homework.library import write_library
from minivision.homework.manifest import load_assignment


def submissions(assignment, path):
    """Return the submissions in a folder: its subfolders, archives and Python files, or itself if it is one.

    A folder that holds the student's file is one submission.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"{path}: there is no such file or folder")
    if path.is_file() or (path / assignment.file).is_file():
        return [path]
    found = [each for each in sorted(path.iterdir()) if not each.name.startswith(".")]
    found = [each for each in found if each.is_dir() or each.suffix in (".zip", ".py")]
    if not found:
        raise ValueError(f"{path} holds no submission: no {assignment.file}, no folder, no zip archive")
    return found


def student_library(assignment):
    """Write the library as students have it into a new folder that all can read; return the folder, to be closed."""
    folder = tempfile.TemporaryDirectory(prefix="minivision-")
    write_library(assignment, folder.name)
    pathlib.Path(folder.name).chmod(0o755)
    return folder


def grade_all(assignment, paths, *, jobs=1, seed=None, locked=True, told=None):
    """Grade several submissions; yields a :class:`Result` for each, as they are done.

    Parameters
    ----------
    assignment : Assignment
    paths : sequence of path
    jobs : int
        How many at the same time, each in a process of its own.
    seed, locked
        As in :func:`minivision.homework.grading.grade`.
    told : callable, optional
        Called with a result after each of its tasks; only with one job.
    """
    with student_library(assignment) as library:
        work = functools.partial(_grade, str(assignment.folder), library, seed, locked)
        if jobs == 1:
            for path in paths:
                yield work(str(path), told)
            return
        spawn = multiprocessing.get_context("spawn")
        with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
            running = [pool.submit(work, str(path)) for path in paths]
            try:
                for future in concurrent.futures.as_completed(running):
                    yield future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _grade(folder, library, seed, locked, path, told=None):
    assignment = load_assignment(folder)
    try:
        return grade(assignment, path, library=library, seed=seed, locked=locked, told=told)
    except OSError as error:  # one that cannot be read must not end the others
        return Result(assignment.name, path, seed or assignment.seed, assignment.points, problem=str(error))


def write_table(assignment, results, path):
    """Write the table of a class as CSV: a line for each submission, sorted by its name."""
    ids = [task.id for task in assignment.tasks]
    with atomic_write(path) as beside, open(beside, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["submission", "points", "of", *ids, "problem"])
        for result in sorted(results, key=lambda result: result.submission):
            earned = {task.id: f"{task.earned:g}" for task in result.tasks}
            name = _harmless(pathlib.Path(result.submission).name)
            points = [f"{result.earned:g}", f"{result.points:g}"]
            writer.writerow([name, *points, *(earned.get(id, "") for id in ids), _harmless(result.problem)])


def _harmless(text):
    """Return text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
