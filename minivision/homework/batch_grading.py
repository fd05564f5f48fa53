"""Grading of many submissions in parallel, and the table of the class."""

import concurrent.futures
import csv
import functools
import multiprocessing
import pathlib
import signal
import tempfile

from minivision.core.atomic import atomic_write
from minivision.core.parent_watch import end_with_parent
from minivision.homework.grading import SubmissionReport, grade
from minivision.homework.library import write_library

SYSTEM_NAMES = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"}
MAX_REASON_CHARS = 500


def submissions(assignment, path):
    """List the submissions in a folder: everything in it but hidden files and folders of the system.

    A file, or a folder that contains the student's file, is one submission. What cannot be graded is listed too, so
    that nobody is missing in the table.

    Parameters
    ----------
    assignment : Assignment
    path : path

    Returns
    -------
    paths : list of Path

    Raises
    ------
    ValueError
        If the path does not exist or contains no submission.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    if path.is_file() or (path / assignment.file).is_file():
        return [path]
    paths = [each for each in sorted(path.iterdir()) if not each.name.startswith(".")]
    paths = [each for each in paths if each.name not in SYSTEM_NAMES]
    if not paths:
        raise ValueError(f"{path} contains no submission: no {assignment.file}, no folder, no archive")
    return paths


def student_library(assignment):
    """Write the library as students have it into a temporary folder that every user can read.

    Returns
    -------
    folder : TemporaryDirectory
    """
    folder = tempfile.TemporaryDirectory(prefix="minivision-")
    write_library(assignment, folder.name)
    pathlib.Path(folder.name).chmod(0o755)
    return folder


def grade_all(assignment, paths, *, jobs=1, seed=None, isolated=True, on_result=None):
    """Grade several submissions.

    Parameters
    ----------
    assignment : Assignment
    paths : sequence of path
    jobs : int
        Number of submissions that are graded at the same time, each in a process of its own.
    seed, isolated
        See :func:`minivision.homework.grading.grade`.
    on_result : callable, optional
        ``on_result(report)`` is called after each task of a submission. Only with one job.

    Yields
    ------
    report : SubmissionReport
        One for each submission, in the order in which they are finished.
    """
    with student_library(assignment) as library:
        work = functools.partial(_grade, assignment, library, seed, isolated)
        if jobs == 1:
            for path in paths:
                yield work(str(path), on_result)
            return
        spawn, others = multiprocessing.get_context("spawn"), multiprocessing.active_children()
        with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_start_worker) as pool:
            running = [pool.submit(work, str(path)) for path in paths]
            try:
                for future in concurrent.futures.as_completed(running):
                    yield future.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in multiprocessing.active_children():
                    if process not in others:
                        process.terminate()  # a submission may take minutes
                raise


def _start_worker():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C stops the parent, which ends its workers
    end_with_parent()


def _grade(assignment, library, seed, isolated, path, on_result=None):
    try:
        return grade(assignment, path, library=library, seed=seed, isolated=isolated, on_result=on_result)
    except Exception as error:  # of the grader: it must not stop the others, nor count as the student's
        reason = " ".join(str(error).split())[:MAX_REASON_CHARS]
        problem = f"NOT GRADED, through no fault of the submission; grade it again: {type(error).__name__}: {reason}"
        seed = assignment.seed if seed is None else seed
        return SubmissionReport(assignment.name, path, seed, assignment.points, problem=problem, graded=False)


def write_table(assignment, reports, path):
    """Write the table of a class as CSV: one line for each submission, sorted by name.

    Parameters
    ----------
    assignment : Assignment
    reports : sequence of SubmissionReport
    path : path
    """
    ids = [task.id for task in assignment.tasks]
    with atomic_write(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["submission", "points", "of", *ids, "problem"])
        for report in sorted(reports, key=lambda report: report.submission):
            earned = {task.id: f"{task.earned:g}" for task in report.tasks}
            name = _no_formula(pathlib.Path(report.submission).name)
            points = [f"{report.earned:g}" if report.graded else "", f"{report.points:g}"]
            writer.writerow([name, *points, *(earned.get(id, "") for id in ids), _no_formula(report.problem)])


def _no_formula(text):
    """Return text that a spreadsheet does not interpret as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
