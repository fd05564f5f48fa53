"""Grading of many submissions: each for itself, whatever happens to it."""

import concurrent.futures
import functools
import json
import pathlib
import secrets
import tempfile

from minivision.core.atomic import atomic_write
from minivision.homework.answers import shown
from minivision.homework.grading import SubmissionReport, grade
from minivision.homework.handed_in import without_files_beside
from minivision.homework.library import write_library
from minivision.homework.local_executor import InThisProcess, LocalExecutor, TimeUpError
from minivision.homework.process import START_SECONDS, GraderError, StudentProcess
from minivision.homework.scratch import scratch_folder, temporary_files_in

SYSTEM_NAMES = {"__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini"}
MAX_REASON_CHARS = 500
GRADER_SECONDS = 600  # for what the grader itself computes for a submission


def submissions(assignment, path):
    """List the submissions in a folder: everything in it but hidden files and folders of the system.

    A file, or a folder that contains the student's file, is one submission; a file that is judged beside it is a part
    of it. What cannot be graded is listed too, so that nobody is missing in the table. The exports of Canvas
    (``roeann_12_345_hw1.py``) and of Moodle (``Ann Roe_12_assignsubmission_file_``) are such folders when they are
    unpacked.

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
    return without_files_beside(assignment, submissions_with(assignment.file, path))


def submissions_with(name, path):
    """List the submissions in a folder as :func:`submissions` does, for a student's file of any name."""
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(f"{path}: no such file or folder")
    if path.is_file() or (path / name).is_file():
        return [path]
    paths = [each for each in sorted(path.iterdir()) if not each.name.startswith(".")]
    paths = [each for each in paths if each.name not in SYSTEM_NAMES]
    if not paths:
        raise ValueError(f"{path} contains no submission: no {name}, no folder, no archive")
    return paths


def student_library(assignment, folder=None):
    """Write the library as students have it into a temporary folder that every user can read.

    Parameters
    ----------
    assignment : Assignment
    folder : path, optional
        Where to make it.

    Returns
    -------
    folder : TemporaryDirectory
    """
    folder = tempfile.TemporaryDirectory(prefix="minivision-", dir=folder)
    write_library(assignment, folder.name)
    pathlib.Path(folder.name).chmod(0o755)
    return folder


def missing_protections():
    """Return what this system does not offer of the protections against submissions, one sentence each."""
    with tempfile.TemporaryDirectory(prefix="minivision-") as folder:
        pathlib.Path(folder).chmod(0o755)
        file = pathlib.Path(folder) / "nothing.py"
        file.touch()
        with StudentProcess(file, isolated=True, library=folder) as process:
            return process.unprotected


def require_protections():
    """Raise ValueError if this system does not offer all protections against submissions."""
    try:
        missing = missing_protections()
    except GraderError as error:  # no Linux
        missing = [str(error)]
    if missing:
        raise ValueError(
            f"nothing is graded, since this system does not protect itself from submissions: {'; '.join(missing)}. As "
            "root on Linux 5.14 or newer it does; to grade without, one at a time, give --unprotected"
        )


def grade_one(assignment, library, seed, isolated, path, on_result=None):
    """Grade one submission, in whatever process or machine this runs.

    Parameters
    ----------
    assignment : Assignment
    library : str
        Folder with the library as students have it.
    seed, isolated, on_result
        See :func:`minivision.homework.grading.grade`.
    path : str
        The submission.

    Returns
    -------
    report : dict
        See :meth:`SubmissionReport.as_dict`. What goes wrong with the grader is in it, too, as ``graded: False``.
    """
    try:
        report = grade(assignment, path, library=library, seed=seed, isolated=isolated, on_result=on_result)
    except Exception as error:  # of the grader: it must not count as the student's
        report = not_graded(assignment, path, seed, f"{type(error).__name__}: {error}")
    return report.as_dict()


def not_graded(assignment, path, seed, reason):
    """Return the report of a submission that the grader could not grade."""
    reason = " ".join(shown(reason, MAX_REASON_CHARS).split())
    problem = f"NOT GRADED, through no fault of the submission; grade it again: {reason}"
    seed = assignment.seed if seed is None else seed
    options = {"problem": problem, "graded": False, "bonus": assignment.bonus}
    return SubmissionReport(assignment.name, shown(path), seed, assignment.points, **options)


def grade_all(assignment, paths, *, jobs=1, seed=None, isolated=True, on_result=None, executor=None):
    """Grade several submissions.

    Parameters
    ----------
    assignment : Assignment
    paths : sequence of path
    jobs : int
        Number of submissions that are graded at the same time.
    seed, isolated
        See :func:`minivision.homework.grading.grade`.
    on_result : callable, optional
        ``on_result(report)`` is called after each task of a submission, which is then graded in this process.
    executor : concurrent.futures.Executor, optional
        Where :func:`grade_one` runs. Default: a process of its own for each submission on this machine.

    Yields
    ------
    report : SubmissionReport
        One for each submission, in the order in which they are finished.
    """
    with scratch_folder() as scratch, student_library(assignment, scratch) as library:
        seconds = GRADER_SECONDS + sum(4 * (task.seconds + START_SECONDS) for task in assignment.tasks)
        if executor is None:
            executor = InThisProcess() if on_result else LocalExecutor(jobs, seconds=seconds)
        work = functools.partial(_grade_in, str(scratch), on_result, assignment, library, seed, isolated)
        try:
            running = {}
            for path in paths:
                finished = scratch / f"{secrets.token_hex(16)}.json"  # a name that no submission can guess
                running[executor.submit(work, str(finished), str(path))] = path, finished
            for future in concurrent.futures.as_completed(running):
                yield _report(future, assignment, *running[future], seed)
        except BaseException:
            executor.shutdown(wait=True, cancel_futures=True)  # a submission may take minutes
            raise
        executor.shutdown()


def _grade_in(scratch, on_result, assignment, library, seed, isolated, finished, path):
    """Grade one submission with its temporary files in the folder of the grader; write down each finished task."""

    def keep(report):
        with atomic_write(finished) as partial:
            partial.write_text(json.dumps(report.as_dict()), encoding="utf-8")
        if on_result:
            on_result(report)

    with temporary_files_in(scratch):
        return grade_one(assignment, library, seed, isolated, path, keep)


def _report(future, assignment, path, finished, seed):
    try:
        return SubmissionReport.from_dict(future.result())
    except TimeUpError as error:
        if finished.exists():
            return _with_finished_tasks(assignment, finished, error)
        return not_graded(assignment, path, seed, error)
    except Exception as error:
        return not_graded(assignment, path, seed, error)


def _with_finished_tasks(assignment, finished, error):
    """Return the report of a submission whose time was up: the tasks that were finished before keep their points."""
    report = SubmissionReport.from_dict(json.loads(finished.read_text(encoding="utf-8")))
    done = {task.id for task in report.tasks}
    rest = ", ".join(task.id for task in assignment.tasks if task.id not in done)
    report.problem = (
        f"the time for this submission was up: {error}. The points are those of the tasks before; not graded: {rest}"
    )
    return report
