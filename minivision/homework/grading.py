"""Grading of one submission: the visible and hidden tests of every task, with the student's code in another process."""

import contextlib
import dataclasses
import functools
import pathlib
import re
import tarfile
import tempfile
import zipfile

from minivision.checks import StudentFileError
from minivision.core.registry import operations
from minivision.homework.plugin import HIDDEN, VISIBLE, run_tests
from minivision.homework.student import Student

MAX_FILE_BYTES = 1 << 20  # of a student's file


@dataclasses.dataclass
class TaskScore:
    """The score of one task.

    Attributes
    ----------
    id, title : str
    points, earned : float
        Points of the task, and points that the submission earned.
    outcomes : list of TestOutcome
    with_reference : bool
        Whether the points were earned with the library's functions in place of the student's earlier ones.
    """

    id: str
    title: str
    points: float
    earned: float = 0.0
    outcomes: list = dataclasses.field(default_factory=list)
    with_reference: bool = False


@dataclasses.dataclass
class SubmissionReport:
    """The scores of one submission.

    Attributes
    ----------
    assignment, submission : str
        Name of the assignment, path of the submission.
    seed : int
        Seed of the hidden tests.
    points : float
        Points of the graded tasks.
    tasks : list of TaskScore
        Scores of the tasks that are graded so far.
    problem : str
        Why nothing could be graded, or an empty string.
    unprotected : list of str
        Protections against the submission that this system does not offer.
    """

    assignment: str
    submission: str
    seed: int
    points: float
    tasks: list = dataclasses.field(default_factory=list)
    problem: str = ""
    graded: bool = True
    unprotected: list = dataclasses.field(default_factory=list)

    @property
    def earned(self):
        """Sum of the points that the tasks earned."""
        return round(sum(task.earned for task in self.tasks), 6)


def grade(assignment, submission, *, library, seed=None, tasks=None, isolated=True, on_result=None):
    """Grade a submission.

    The same submission and seed give the same report.

    Parameters
    ----------
    assignment : Assignment
    submission : path
        The student's file, or a folder or zip archive with it.
    library : path
        Folder with the library as students have it (see :func:`minivision.homework.library.write_library`).
    seed : int, optional
        Seed of the hidden tests. Default: the seed of the assignment.
    tasks : sequence of str, optional
        Ids of the tasks to grade. Default: all.
    isolated : bool
        Whether the student's process is isolated (see :func:`minivision.homework.sandbox.isolate`).
    on_result : callable, optional
        ``on_result(report)`` is called after every task, with the report so far.

    Returns
    -------
    report : SubmissionReport
    """
    seed = assignment.seed if seed is None else seed
    selected = [task for task in assignment.tasks if tasks is None or task.id in tasks]
    report = SubmissionReport(assignment.name, str(submission), seed, sum(task.points for task in selected))
    try:
        with submission_files(assignment, submission) as file:
            with Student(file, isolated=isolated, library=library) as student:  # raises if the file cannot be run
                report.unprotected, names = student.unprotected, set(student.functions)
            for task in selected:
                report.tasks.append(_grade_task(assignment, file, task, names, seed, library, isolated))
                if on_result:
                    on_result(report)
    except StudentFileError as error:
        report.problem = str(error)
        report.tasks = [TaskScore(task.id, task.title, task.points) for task in selected]
    return report


def _grade_task(assignment, file, task, names, seed, library, isolated):
    """Grade a task, and if points are lost, again with the library's functions for earlier tasks. The better counts."""
    run = functools.partial(
        run_tests, assignment, file, [task.id], folders=(VISIBLE, HIDDEN), seed=seed, library=library, isolated=isolated
    )
    best = _score(task, run())
    earlier = [name for each in assignment.all_prerequisites(task) for name in each.names if name in names]
    # A task without functions of its own only uses the earlier ones: with the library's it would cost no work.
    if best.earned < task.points and earlier and task.functions:
        substitutes = {name: operations()[name] for name in earlier}
        other = _score(task, run(substitutes=lambda _: substitutes))
        if other.earned > best.earned:
            other.with_reference, best = True, other
    return best


def _score(task, outcomes):
    return TaskScore(task.id, task.title, task.points, sum(each.earned for each in outcomes), outcomes)


class submission_files:
    """Context manager for the student's file in a submission: it yields the path of the file.

    Of an archive only the student's file is unpacked, into a temporary folder.

    Parameters
    ----------
    assignment : Assignment
    submission : path
        The file itself, or a folder or archive (zip, tar, tar.gz, tgz, tar.bz2, tar.xz) that contains one file with the
        name of the student's file, in folders of any depth. Without it, one with a name that browsers and people make
        of it counts: ``HW1.py``, ``hw1 (1).py``, ``hw1-1.py``; or that in the only archive of a folder.

    Raises
    ------
    StudentFileError
        If the file is missing, exists twice or is too large.
    """

    def __init__(self, assignment, submission):
        self.name, self.path = assignment.file, pathlib.Path(submission)
        self.folders = contextlib.ExitStack()

    def __enter__(self):
        try:
            return self._file(self.path, inside=False)
        except BaseException:
            self.folders.close()
            raise

    def __exit__(self, *_):
        self.folders.close()

    def _file(self, path, *, inside):
        """Return the student's file; `inside`: `path` was found in a submission, so its archives are left alone."""
        if path.is_dir():
            files = [each for each in sorted(path.rglob("*")) if _counts(each.relative_to(path).parts)]
            files = [each for each in files if each.is_file() and not each.is_symlink()]
            archives = [each for each in files if _is_archive(each)]
            found = _called_like(self.name, files, key=lambda each: each.name)
            if not found and len(archives) == 1 and not inside:
                return self._file(archives[0], inside=True)
            path = self._only(found)
        elif _is_archive(path):
            path = self._unpacked(path)
        elif path.is_file() and path.suffix.lower() != ".py":
            raise StudentFileError(f"{self.path} is no Python file, no folder and no archive (zip, tar)")
        if not path.is_file():
            raise StudentFileError(f"{self.path} is not a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise self._too_large()
        return path

    def _only(self, found):
        if len(found) != 1:
            count = "has no" if not found else f"has {len(found)} files called"
            raise StudentFileError(f"{self.path} {count} {self.name}")
        return found[0]

    def _too_large(self):
        return StudentFileError(f"{self.path}: {self.name} is larger than {MAX_FILE_BYTES >> 20} MiB")

    def _unpacked(self, path):
        """Extract the student's file, and nothing else, from the archive; return its path."""
        target = pathlib.Path(self.folders.enter_context(tempfile.TemporaryDirectory(prefix="minivision-"))) / self.name
        try:
            with _opened_archive(path) as members:
                names = {name.replace("\\", "/"): name for name in members.sizes}  # as some Windows tools write them
                counted = [name for name in names if _counts(name.split("/"))]
                member = names[self._only(_called_like(self.name, counted, key=lambda name: name.rpartition("/")[2]))]
                if members.sizes[member] > MAX_FILE_BYTES:
                    raise self._too_large()
                target.write_bytes(members.read(member))
        except StudentFileError:
            raise
        except Exception as error:  # damaged archives raise errors of many types
            raise StudentFileError(f"{self.path}: {path.name} is not a readable archive: {error}") from None
        return target


IGNORED_FOLDERS = {"__MACOSX", "__pycache__", "site-packages", "venv", "env", "node_modules"}
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def _is_archive(path):
    return path.is_file() and path.name.lower().endswith(ARCHIVES)


def _counts(parts):
    """Return whether a file is the student's: no part of its path is hidden, or belongs to a tool."""
    return not any(part.startswith(".") and part not in (".", "..") or part in IGNORED_FOLDERS for part in parts)


def _called_like(name, files, key):
    """Return the files of a name, or else those whose name differs by its case or the number of a copy."""
    exact = [each for each in files if key(each) == name]
    stem, _, suffix = name.rpartition(".")
    copy = re.compile(rf"{re.escape(stem)}([ _-]*(\(\d+\)|copy|\d+))?\.{suffix}", re.IGNORECASE)
    return exact or [each for each in files if copy.fullmatch(key(each))]


class _opened_archive:
    """``with _opened_archive(path) as members``: sizes of the files in a zip or tar archive, and their contents."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        if self.path.name.lower().endswith(".zip"):
            self.archive = zipfile.ZipFile(self.path)
            self.sizes = {each.filename: each.file_size for each in self.archive.infolist() if not each.is_dir()}
            self.read = self.archive.read
        else:
            self.archive = tarfile.open(self.path)
            self.sizes = {each.name: each.size for each in self.archive.getmembers() if each.isfile()}
            self.read = lambda name: self.archive.extractfile(name).read()
        return self

    def __exit__(self, *_):
        self.archive.close()
