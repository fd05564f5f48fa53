"""Points for one submission: hidden and visible tests of every task, in a process that is locked up."""

import dataclasses
import functools
import pathlib
import zipfile

from minivision.checks import StudentFileError
from minivision.core.registry import operations
from minivision.homework.plugin import HIDDEN, VISIBLE, run_tests
from minivision.homework.student import Student

LARGEST = 1 << 20  # bytes of a student's file


@dataclasses.dataclass
class TaskResult:
    """What a task earned.

    Attributes
    ----------
    id, title : str
    points, earned : float
    outcomes : list of Outcome
    with_reference : bool
        Whether these points were earned with the library's functions in place of the student's earlier ones.
    """

    id: str
    title: str
    points: float
    earned: float = 0.0
    outcomes: list = dataclasses.field(default_factory=list)
    with_reference: bool = False


@dataclasses.dataclass
class Result:
    """What a submission earned.

    Attributes
    ----------
    assignment, submission : str
    seed : int
    tasks : list of TaskResult
        Those that are graded so far.
    problem : str
        Why nothing could be graded; else empty.
    missing : list of str
        What this system could not protect from the submission.
    """

    assignment: str
    submission: str
    seed: int
    points: float
    tasks: list = dataclasses.field(default_factory=list)
    problem: str = ""
    missing: list = dataclasses.field(default_factory=list)

    @property
    def earned(self):
        return round(sum(task.earned for task in self.tasks), 6)


def grade(assignment, submission, *, library, seed=None, tasks=None, locked=True, told=None):
    """Grade a submission.

    Parameters
    ----------
    assignment : Assignment
    submission : path
        The student's file; or a folder or zip archive with it.
    library : path
        The folder of the library as students have it (see :func:`minivision.homework.library.write_library`).
    seed : int, optional
        Of the numbers in hidden tests; by default the assignment's.
    tasks : sequence of str, optional
        Ids of the tasks to grade; by default all.
    locked : bool
        Whether the student's code is locked up.
    told : callable, optional
        Called with the :class:`Result` after every task.

    Returns
    -------
    Result
        The same for the same submission and seed.
    """
    seed = assignment.seed if seed is None else seed
    chosen = [task for task in assignment.tasks if tasks is None or task.id in tasks]
    result = Result(assignment.name, str(submission), seed, sum(task.points for task in chosen))
    try:
        with found(assignment, submission) as file:
            with Student(file, locked=locked, library=library) as student:  # a file that cannot be run earns nothing
                result.missing, names = student.missing, set(student.functions)
            for task in chosen:
                result.tasks.append(_grade_task(assignment, file, task, names, seed, library, locked))
                if told:
                    told(result)
    except StudentFileError as error:
        result.problem = str(error)
        result.tasks = [TaskResult(task.id, task.title, task.points) for task in chosen]
    return result


def _grade_task(assignment, file, task, names, seed, library, locked):
    """Grade a task with the student's earlier functions and, if points are lost, with the library's: the better."""
    run = functools.partial(
        run_tests, assignment, file, [task.id], folders=(VISIBLE, HIDDEN), seed=seed, library=library, locked=locked
    )
    best = _result(task, run().outcomes)
    others = [name for each in assignment.before(task) for name in each.names if name in names]
    others = others if task.functions else []  # one that only uses what the others have written would be given away
    if best.earned < task.points and others:
        served = {name: operations()[name] for name in others}
        other = _result(task, run(served=lambda _: served).outcomes)
        if other.earned > best.earned:
            other.with_reference, best = True, other
    return best


def _result(task, outcomes):
    return TaskResult(task.id, task.title, task.points, sum(each.earned for each in outcomes), outcomes)


class found:
    """The student's file in a submission: the file itself, or the one of that name in a folder or archive.

    Raises
    ------
    StudentFileError
        When it is not there, is there twice, or is too large.
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
            raise StudentFileError(f"{self.path} is no file")
        if path.stat().st_size > LARGEST:
            raise StudentFileError(f"{self.path}: {self.name} has more than {LARGEST >> 20} MiB")
        return path

    def _unpacked(self):
        """Write the student's file, and nothing else of the archive, into a folder of its own."""
        import tempfile

        self.folder = tempfile.TemporaryDirectory(prefix="minivision-")
        try:
            with zipfile.ZipFile(self.path) as archive:
                entries = [each for each in archive.infolist() if pathlib.PurePath(each.filename).name == self.name]
                entries = [each for each in entries if "__MACOSX" not in each.filename]
                for k, entry in enumerate(entries):
                    if entry.file_size > LARGEST:
                        raise StudentFileError(f"{self.path}: {self.name} has more than {LARGEST >> 20} MiB")
                    folder = pathlib.Path(self.folder.name) / str(k)
                    folder.mkdir()
                    (folder / self.name).write_bytes(archive.read(entry))
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError) as error:
            raise StudentFileError(f"{self.path}: not a readable zip archive: {error}") from None
        return pathlib.Path(self.folder.name)

    def __exit__(self, *_):
        if self.folder is not None:
            self.folder.cleanup()
