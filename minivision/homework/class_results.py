"""The results of a class: a file for each submission, written at once, and the table of all."""

import csv
import hashlib
import json
import pathlib
import urllib.parse

from minivision.core.atomic import atomic_write
from minivision.core.printable import printable
from minivision.homework.grading import SubmissionReport

SETTINGS, TABLE, SUBMISSIONS = "grading.json", "class.csv", "submissions"
MAX_NAME_CHARS = 150


class ClassResults:
    """A folder with the results of a class. Whatever ends the grading, it has all that was finished.

    Parameters
    ----------
    folder : path
    assignment : Assignment
    seed : int
    resume : bool
        Whether the folder may have results: they are kept, and need not be graded again.

    Attributes
    ----------
    reports : dict
        Path of a submission, as printed -> SubmissionReport.

    Raises
    ------
    ValueError
        If the folder has results already, or, with `resume`, those of another assignment or seed.
    """

    def __init__(self, folder, assignment, seed, *, resume=False):
        self.folder, self.assignment, self.reports = pathlib.Path(folder), assignment, {}
        settings = {"assignment": assignment.name, "seed": seed}
        if (self.folder / SETTINGS).exists():
            if not resume:
                raise ValueError(
                    f"{self.folder} has the results of another grading: --resume goes on with it, --results DIR "
                    "writes to another folder"
                )
            before = json.loads((self.folder / SETTINGS).read_text(encoding="utf-8"))
            if before != settings:
                raise ValueError(f"{self.folder} has the results of {_said(before)}, and this is {_said(settings)}")
            self._read()
        elif self.folder.exists() and (not self.folder.is_dir() or any(self.folder.iterdir())):
            raise ValueError(f"{self.folder} exists and has other files than results: give a new folder by --results")
        (self.folder / SUBMISSIONS).mkdir(parents=True, exist_ok=True)
        _write_json(settings, self.folder / SETTINGS)

    def _read(self):
        for path in sorted((self.folder / SUBMISSIONS).glob("*.json")):
            report = SubmissionReport.from_dict(json.loads(path.read_text(encoding="utf-8")))
            if report.graded:
                self.reports[report.submission] = report

    def lacks(self, submission):
        """Return whether a submission must be graded."""
        return printable(submission) not in self.reports

    def add(self, report):
        """Write the result of a submission, and the table."""
        name = urllib.parse.quote(pathlib.PurePath(report.submission).name, safe=" ()@+,=")
        if len(name) > MAX_NAME_CHARS:
            name = f"{name[:MAX_NAME_CHARS]}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        _write_json(report.as_dict(), self.folder / SUBMISSIONS / f"{name}.json")
        self.reports[report.submission] = report
        write_table(self.assignment, self.reports.values(), self.folder / TABLE)


def _said(settings):
    return f"{settings['assignment']} with the seed {settings['seed']}"


def _write_json(value, path):
    with atomic_write(path) as partial:
        partial.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def write_table(assignment, reports, path):
    """Write the table of a class as CSV: one line for each submission, sorted by name.

    Parameters
    ----------
    assignment : Assignment
    reports : iterable of SubmissionReport
    path : path
    """
    ids = [task.id for task in assignment.tasks]
    with atomic_write(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        names = [f"{task.id}{' (bonus)' * task.bonus}" for task in assignment.tasks]
        writer.writerow(["submission", "points", "of", *names, "problem"])
        for report in sorted(reports, key=lambda report: report.submission):
            earned = {task.id: f"{task.earned:g}" for task in report.tasks}
            name = plain_cell(pathlib.PurePath(report.submission).name)
            points = [f"{report.earned:g}" if report.graded else "", f"{report.points:g}"]
            writer.writerow([name, *points, *(earned.get(id, "") for id in ids), plain_cell(report.problem)])


def plain_cell(text):
    """Return text on one line that a spreadsheet does not take for a formula."""
    text = " ".join(printable(text).split())
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
