"""Grading of one submission or of a class. A part of ``minivision homework``."""

import contextlib
import pathlib
import signal
import sys

from minivision.cli.executors import add_scheduler_argument
from minivision.cli.options import UsageError, count, seed
from minivision.core.printable import printable
from minivision.core.progress import progress_bar

FORMATS = "gradescope", "classroom50", "prairielearn", "junit"


def add_arguments(commands):
    """Add the command ``grade``."""
    sub = commands.add_parser("grade", help="grade a submission, or a folder of them")
    sub.add_argument("assignment")
    sub.add_argument("submission", help="a file, a folder or a zip archive with it; or a folder of submissions")
    sub.add_argument("--json", metavar="FILE", help="write the results to a file, in Gradescope's format")
    sub.add_argument("--csv", metavar="FILE", help="write a table of all submissions to a file")
    sub.add_argument("--out", metavar="PATH", help="write the results in a format: a file, of several a folder")
    sub.add_argument("--format", choices=FORMATS, help="format of --out (default: gradescope)")
    sub.add_argument("--jobs", type=count, default=1, metavar="N", help="submissions at the same time (default: 1)")
    add_scheduler_argument(sub)
    sub.add_argument("--seed", type=seed, metavar="N", help="seed of the hidden tests: keep it secret")
    sub.add_argument("--results", metavar="DIR", help="folder for the results of a class (default: NAME-results)")
    sub.add_argument("--resume", action="store_true", help="go on where a grading stopped")
    sub.add_argument("--one", action="store_true", help="the folder is one submission")
    sub.add_argument("--unprotected", action="store_true", help="grade, one at a time, where a protection is missing")
    sub.add_argument("--unlocked", action="store_true", help="do not isolate the student's code; for your own files")
    sub.add_argument("--proved", action="store_true", help="do not grade the library's solution with the seed first")
    sub.set_defaults(homework=grade)


def grade(args):
    from minivision.homework import batch_grading
    from minivision.homework.formats import check_format

    assignment = _assignment(args)
    check_format(args.format)
    paths = [args.submission] if args.one else batch_grading.submissions(assignment, args.submission)
    several = len(paths) > 1
    _refuse_existing(args)
    if not (args.unlocked or args.unprotected or args.scheduler):
        batch_grading.require_protections()
    if not args.proved and (several or args.seed is not None):  # its own seed is proved by `check`
        assignment = _proved(args, assignment)
    results = _Results(args, assignment, paths)
    results.write()
    todo = [path for path in paths if results.lacks(path)]
    graded = _graded(args, assignment, todo, None if several else results.write_one)
    with (
        _stopped_by_sigterm(),
        progress_bar(total=len(todo), unit="submission", leave=False, disable=not several) as bar,
        contextlib.closing(graded),
    ):
        try:
            for result in graded:
                results.add(result)
                bar.update()
                bar.write(_line(result), file=sys.stdout)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(results.when_stopped()) from None
    results.write_formats()
    return 1 if _report(results) else 0


def _assignment(args):
    """Return the assignment; refuse options that contradict each other, and one that cannot be graded."""
    from minivision.homework import load_assignment
    from minivision.homework.advice import must_have_hidden_tests

    assignment = load_assignment(args.assignment)
    if args.format and not args.out:
        raise UsageError(f"--format {args.format}: say with --out where to write it")
    must_have_hidden_tests(assignment)
    return assignment


def _proved(args, assignment):
    """Grade the library's own solution; return the assignment with the time limits of this machine."""
    from minivision.homework.own_solution import with_measured_limits

    print("first the library's own solution, with this seed; --proved leaves it out", file=sys.stderr)
    return with_measured_limits(assignment, seed=args.seed, isolated=not args.unlocked)


class _Results:
    """The reports of a grading, and the files that they are written to."""

    def __init__(self, args, assignment, paths):
        from minivision.homework.class_results import ClassResults

        self.args, self.assignment, self.paths, self.kept = args, assignment, paths, None
        self.reports = []
        if len(paths) > 1:
            seed = assignment.seed if args.seed is None else args.seed
            folder = args.results or f"{assignment.name}-results"
            self.kept = ClassResults(folder, assignment, seed, resume=args.resume)
            self.reports = [self.kept.reports[path] for path in map(printable, paths) if path in self.kept.reports]

    def lacks(self, path):
        """Return whether a submission is still to be graded."""
        return self.kept is None or self.kept.lacks(path)

    def add(self, report):
        """Add the report of a submission, and write all files."""
        self.reports.append(report)
        if self.kept:
            self.kept.add(report)
        self.write()

    def write(self):
        """Write the files of ``--json`` and ``--csv``, once there is a report."""
        from minivision.homework.class_results import write_table
        from minivision.homework.gradescope import write_results

        if self.args.json and self.reports:
            written = self._in_gradescopes_format()
            write_results({"submissions": written} if self.kept else written[0], self.args.json)
        if self.args.csv and self.reports:
            write_table(self.assignment, self.reports, self.args.csv)

    def write_one(self, report):
        """Write the report of the only submission, as far as it is graded."""
        from minivision.homework.gradescope import results, write_results

        if self.args.json:
            write_results(results(report), self.args.json)

    def write_formats(self):
        """Write what ``--out`` asks for."""
        from minivision.homework.formats import write_reports

        if self.args.out:
            write_reports(self._in_gradescopes_format(), self.args.format or "gradescope", self.args.out)

    def _in_gradescopes_format(self):
        from minivision.homework.gradescope import results

        return [results(each) for each in sorted(self.reports, key=lambda each: each.submission)]

    def when_stopped(self):
        """Return what is finished, where it stands and how to go on."""
        places = (self.kept and self.kept.folder, self.args.json, self.args.csv)
        files = [str(path) for path in places if path and self.reports]
        where = f" and stand in {' and '.join(files)}" if files else ""
        again = "; --resume goes on" if self.kept else ""
        return f"stopped; {len(self.reports)} of {len(self.paths)} submissions are graded{where}{again}"


def _report(results):
    """Print what concerns all submissions; return how many could not be graded."""
    from minivision.homework.class_results import TABLE

    reports = results.reports
    for sentence in dict.fromkeys(sentence for report in reports for sentence in report.unprotected):
        print(f"not protected on this system: {sentence}", file=sys.stderr)
    if results.kept:
        print(f"{len(reports)} submissions: {results.kept.folder / TABLE}")
    failed = sum(not report.graded for report in reports)
    if failed:
        print(f"minivision: {failed} of {len(reports)} submissions could not be graded", file=sys.stderr)
    return failed


def _graded(args, assignment, paths, on_result):
    """Yield the reports of submissions, graded on this machine or on a cluster."""
    options = {"seed": args.seed, "isolated": not args.unlocked}
    if args.scheduler is None:
        from minivision.homework.batch_grading import grade_all

        jobs = 1 if args.unprotected else args.jobs
        return grade_all(assignment, paths, jobs=jobs, on_result=on_result, **options)
    from minivision.homework.cluster_grading import grade_on_cluster

    return grade_on_cluster(args.scheduler, assignment, paths, **options)


def _refuse_existing(args):
    """Refuse to write over the results of another grading."""
    for path in (args.json, args.csv):
        if path and pathlib.Path(path).exists() and not args.resume:
            raise UsageError(f"{path} exists: --resume goes on with it, or give another name")


@contextlib.contextmanager
def _stopped_by_sigterm():
    """Have SIGTERM do what Ctrl-C does, inside of a ``with`` block."""

    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _line(result):
    tasks = " ".join(f"{task.id}:{task.earned:g}{'*' * task.with_reference}" for task in result.tasks)
    problem = f"  {result.problem}" if result.problem else ""
    earned = f"{result.earned:>6g}" if result.graded else f"{'-':>6}"
    return printable(f"{earned} of {result.points:g}  {result.submission}  {tasks}{problem}").replace("\n", " ")
