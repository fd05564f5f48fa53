"""Grading of one submission: the visible and hidden tests of every task, with the student's code in another process."""

import dataclasses
import functools
import pkgutil
import tempfile

from minivision.checks import StudentFileError
from minivision.core.printable import printable
from minivision.homework.answers import shown
from minivision.homework.handed_in import HandedIn
from minivision.homework.plugin import HIDDEN, VISIBLE, TestOutcome, run_tests
from minivision.homework.student import Student


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
    bonus : bool
        Whether they count on top of the points of the assignment.
    """

    id: str
    title: str
    points: float
    earned: float = 0.0
    outcomes: list = dataclasses.field(default_factory=list)
    with_reference: bool = False
    bonus: bool = False


@dataclasses.dataclass
class SubmissionReport:
    """The scores of one submission.

    Attributes
    ----------
    assignment, submission : str
        Name of the assignment, path of the submission.
    seed : int
        Seed of the hidden tests.
    points, bonus : float
        Points of the graded tasks, and of those for a bonus, which count on top.
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
    bonus: float = 0.0

    @property
    def earned(self):
        """Sum of the points that the tasks earned, with those for a bonus."""
        return round(sum(task.earned for task in self.tasks), 6)

    def as_dict(self):
        """Return the report as a dict for JSON. Of hidden tests it has no more than students may read, and no times."""
        report = dataclasses.asdict(self)
        for task, entries in zip(self.tasks, report["tasks"], strict=True):
            for outcome, entry in zip(task.outcomes, entries["outcomes"], strict=True):
                entry |= {"message": outcome.public_message, "seconds": 0.0, "used": 0.0}
        return report

    @classmethod
    def from_dict(cls, report):
        """Return the report that :meth:`as_dict` turned into a dict."""
        tasks = [
            TaskScore(**{**task, "outcomes": [TestOutcome(**outcome) for outcome in task["outcomes"]]})
            for task in report["tasks"]
        ]
        return cls(**{**report, "tasks": tasks})


def grade(assignment, submission, *, library, handed_in=None, seed=None, tasks=None, isolated=True, on_result=None):
    """Grade a submission.

    The same submission and seed give the same report.

    Parameters
    ----------
    assignment : Assignment
    submission : path
        The student's file, or a folder or zip archive with it.
    library : path
        Folder with the library as students have it (see :func:`minivision.homework.library.write_library`).
    handed_in : HandedIn, optional
        What the submission contains. Default: it is read here.
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
    points, bonus = (sum(task.points for task in selected if task.bonus == extra) for extra in (False, True))
    report = SubmissionReport(assignment.name, printable(submission), seed, points, bonus=bonus)
    try:
        # What was handed in may change while it is graded, so a copy is graded, whose path would tell nobody anything.
        handed_in = handed_in or HandedIn.read(assignment, submission)
        with tempfile.TemporaryDirectory(prefix="minivision-") as folder:
            file = handed_in.write(assignment, folder)
            options = {"isolated": isolated, "library": library, "called": assignment.file}
            options["refused"] = handed_in.refused
            with Student(file, imports=assignment.imports, **options) as student:  # raises if the file cannot be run
                report.unprotected, names = student.unprotected, set(student.functions)
            for task in selected:
                report.tasks.append(_grade_task(assignment, file, task, names, seed, options))
                if on_result:
                    on_result(report)
    except StudentFileError as error:
        report.problem = shown(error)
        report.tasks = [TaskScore(task.id, task.title, task.points, bonus=task.bonus) for task in selected]
    return report


def _grade_task(assignment, file, task, names, seed, options):
    """Grade a task, and if points are lost, again with the library's functions for earlier tasks. The better counts.

    Earlier are all tasks before it, not only its prerequisites: a check may run another function, such as the forward
    pass of a gradient. Later ones are not replaced, or two functions could each be written with the other.
    """
    run = functools.partial(run_tests, assignment, file, [task.id], folders=(VISIBLE, HIDDEN), seed=seed, **options)
    best = _score(task, run())
    before = assignment.tasks[: [each.id for each in assignment.tasks].index(task.id)]
    dotted_names = {dotted.rpartition(".")[2]: dotted for each in before for dotted in each.functions}
    earlier = {name: dotted for name, dotted in dotted_names.items() if name in names}
    # A task without functions of its own only uses the earlier ones: with the library's it would cost no work.
    if best.earned < task.points and earlier and task.functions:
        substitutes = {name: pkgutil.resolve_name(dotted) for name, dotted in earlier.items()}
        other = _score(task, run(substitutes=lambda _: substitutes))
        if other.earned > best.earned:
            other.with_reference, best = True, other
    return best


def _score(task, outcomes):
    earned = sum(each.earned for each in outcomes)
    return TaskScore(task.id, task.title, task.points, earned, outcomes, bonus=task.bonus)
