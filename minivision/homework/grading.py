"""Grading of one submission: the visible and hidden tests of every task, with the student's code in another process."""

import dataclasses
import functools
import pathlib
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

    A zip archive is unpacked into a temporary folder, and only the student's file of it.

    Parameters
    ----------
    assignment : Assignment
    submission : path
        The file itself, or a folder or zip archive that contains one file with the name of the student's file.

    Raises
    ------
    StudentFileError
        If the file is missing, exists twice or is too large.
    """

    def __init__(self, assignment, submission):
        self.name, self.path = assignment.file, pathlib.Path(submission)
        self.folder = None

    def __enter__(self):
        path = self._unpacked() if self.path.suffix == ".zip" else self.path
        if path.is_dir():
            files = sorted(path.rglob(self.name))
            files = [
                file for file in files if file.is_file() and not file.is_symlink() and "__MACOSX" not in file.parts
            ]
            if len(files) != 1:
                count = "has no" if not files else f"has {len(files)} files called"
                self.__exit__()
                raise StudentFileError(f"{self.path} {count} {self.name}")
            path = files[0]
        if not path.is_file():
            raise StudentFileError(f"{self.path} is not a file")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise self._too_large()
        return path

    def _too_large(self):
        return StudentFileError(f"{self.path}: {self.name} is larger than {MAX_FILE_BYTES >> 20} MiB")

    def _unpacked(self):
        """Extract the student's file, and nothing else, from the archive."""
        self.folder = tempfile.TemporaryDirectory(prefix="minivision-")
        try:
            with zipfile.ZipFile(self.path) as archive:
                entries = [each for each in archive.infolist() if pathlib.PurePath(each.filename).name == self.name]
                entries = [each for each in entries if "__MACOSX" not in each.filename]
                for k, entry in enumerate(entries):
                    if entry.file_size > MAX_FILE_BYTES:
                        raise self._too_large()
                    folder = pathlib.Path(self.folder.name) / str(k)
                    folder.mkdir()
                    (folder / self.name).write_bytes(archive.read(entry))
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            raise StudentFileError(f"{self.path}: not a readable zip archive: {error}") from None
        return pathlib.Path(self.folder.name)

    def __exit__(self, *_):
        if self.folder is not None:
            self.folder.cleanup()
