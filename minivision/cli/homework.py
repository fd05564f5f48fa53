"""Homework: release assignments, test solutions, grade submissions, and verify assignments."""

import contextlib
import importlib.util
import pathlib
import shutil
import signal
import sys

from minivision.cli import homework_alone, homework_class, homework_project
from minivision.cli.executors import add_scheduler_argument
from minivision.cli.options import Parser, UsageError, count, positive, seed
from minivision.core.printable import printable
from minivision.core.progress import progress_bar

EPILOG = """\
examples for students, in the folder of the assignment:
  minivision homework test 1.3
  minivision homework test
  minivision homework test 1.3 --html steps.html
  minivision homework hint 1.3
to learn alone:
  minivision homework start hw1
examples for staff:
  minivision homework release hw1 --out handout/hw1
  minivision homework grade hw1 submissions --json results.json --csv class.csv --jobs 2 --seed 90210
  minivision homework statistics results.json
  minivision homework similar hw1 submissions
  minivision homework gradescope hw1 --out autograder.zip --seed 90210
  minivision homework check hw1 --jobs 2
of the open project:
  minivision homework release hw4 --data voc:bccd --out handout/hw4
  minivision homework leaderboard submissions --data voc:hidden

The exit code is 1 if something is wrong or not written yet.
"""
FORMATS = "gradescope", "classroom50", "prairielearn", "junit"
_STAFF = importlib.util.find_spec("minivision.homework.grading") is not None


def add_arguments(parser, system):
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="what", required=True, parser_class=Parser
    )
    sub = commands.add_parser("test", help="test your file")
    sub.add_argument("tasks", nargs="*", metavar="TASK", help="number of a task, such as 1.3 (default: all)")
    sub.add_argument("--folder", default=".", help="folder of the assignment (default: this folder)")
    sub.add_argument("--file", help="file to test (default: the file of the assignment)")
    sub.add_argument("--html", metavar="FILE", help="write a page on which wrong functions run step by step")
    sub.set_defaults(homework=test)
    homework_alone.add_hint(commands)
    if not _STAFF:  # a library that was released to students
        return
    homework_alone.add_start(commands)

    sub = commands.add_parser("release", help="write the folder for students")
    sub.add_argument("assignment")
    sub.add_argument("--out", required=True, metavar="DIR", help="a new folder")
    homework_project.add_release_options(sub)
    sub.set_defaults(homework=release)

    sub = commands.add_parser("solution", help="write the file with the solutions")
    sub.add_argument("assignment")
    sub.add_argument("--out", required=True, metavar="FILE")
    sub.set_defaults(homework=solution)

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

    sub = commands.add_parser("rubric", help="print the questions to answer in words, with the rubric for staff")
    sub.add_argument("assignment")
    sub.set_defaults(homework=rubric)

    homework_class.add_arguments(commands)
    homework_project.add_leaderboard(commands)

    sub = commands.add_parser("gradescope", help="write an autograder for Gradescope")
    sub.add_argument("assignment")
    sub.add_argument("--out", default="autograder.zip", metavar="FILE", help="default: autograder.zip")
    sub.add_argument("--seed", type=seed, metavar="N", help="seed of the hidden tests: keep it secret")
    sub.add_argument("--wheels", metavar="DIR", help="wheels of all dependencies, for machines without network")
    sub.add_argument("--minutes", type=positive, metavar="M", help="Gradescope's limit for a submission (default: 10)")
    sub.set_defaults(homework=gradescope)

    sub = commands.add_parser("check", help="verify that an assignment is fair")
    sub.add_argument("assignment")
    sub.add_argument("--jobs", type=count, default=1, metavar="N", help="number of processes (default: 1)")
    sub.add_argument("--tasks", nargs="+", metavar="TASK", help="only these tasks")
    sub.add_argument("--seeds", type=count, metavar="N", help="only prove that the hidden tests hold for N seeds")
    sub.add_argument("--messages", action="store_true", help="also print the messages about each wrong solution")
    sub.set_defaults(homework=check)


def run(args):
    if importlib.util.find_spec("pytest") is None:
        raise UsageError("homework needs pytest: pip install pytest")
    return args.homework(args)


# ---- students ------------------------------------------------------------------------------------------------------


def test(args):
    from minivision.homework import load_assignment
    from minivision.homework.plugin import run_tests

    assignment = load_assignment(args.folder)
    for task in args.tasks:
        assignment.task(task)
    file = pathlib.Path(args.file) if args.file else assignment.folder / assignment.file
    if not file.is_file():
        raise UsageError(f"there is no {file}; go to the folder of the assignment, or give --file")
    print(f"{assignment.title}: {file.resolve()}")
    report = _Report(assignment, sys.stdout)
    outcomes = run_tests(assignment, file, args.tasks or None, on_outcome=report)
    report.flush()
    wrong = [outcome for outcome in outcomes if not outcome.passed]
    mistaken = {outcome.task for outcome in wrong if not outcome.unwritten}
    if args.html:
        _write_page(assignment, file, mistaken, args.html)
    elif mistaken:
        first = next(task.id for task in assignment.tasks if task.id in mistaken)
        print(f"\nTo see a mistake step by step: minivision homework test {first} --html steps.html")
    tasks = {outcome.task for outcome in outcomes}
    done = len(tasks - {outcome.task for outcome in wrong})
    print(f"\n{done} of {len(tasks)} task{'s' * (len(tasks) != 1)} done")
    return 1 if wrong else 0


def _write_page(assignment, file, tasks, path):
    """Write a page with a player for each wrong function of some tasks: its own run, and the right values alone."""
    from minivision.homework.steps import wrong_runs
    from minivision.viz import save_players

    players, reasons = wrong_runs(assignment, file, tasks)
    for reason in reasons:
        print(f"\n{reason}")
    if players:
        save_players(players, path, title=f"{file.name}, step by step")
        print(f"\nTo see it step by step, open {path} in a browser")
    else:
        print(f"\n{path} is not written: there is nothing to show step by step")


class _Report:
    """Prints a task as soon as all its tests have run; each mistake is printed once."""

    def __init__(self, assignment, stream):
        self.assignment, self.stream, self.outcomes = assignment, stream, []

    def __call__(self, outcome):
        if self.outcomes and self.outcomes[0].task != outcome.task:
            self.flush()
        self.outcomes.append(outcome)

    def flush(self):
        if self.outcomes:
            task = self.assignment.task(self.outcomes[0].task)
            seconds = sum(outcome.seconds for outcome in self.outcomes)
            print(
                f"\n{task.id} {'bonus: ' * task.bonus}{task.title} ({seconds:.1f} s)",
                *_lines(self.outcomes),
                sep="\n",
                file=self.stream,
            )
            self.stream.flush()
        self.outcomes = []


def _lines(outcomes):
    """Yield the lines about the tests of a task."""
    printed_messages = set()
    has_line = any(outcome.unwritten and "is not written yet" in outcome.message for outcome in outcomes)
    for outcome in outcomes:
        name = outcome.name.removeprefix("test_").replace("_", " ")
        if outcome.passed:
            yield f"  passed: {name}"
        elif outcome.unwritten:
            # The message of the blank itself is left out if a check has named its line.
            if outcome.message not in printed_messages and ("is not written yet" in outcome.message or not has_line):
                yield f"  {outcome.message}"
        elif outcome.message not in printed_messages:  # each mistake is printed once
            yield f"  WRONG: {name}"
            yield from (f"    {line}".rstrip() for line in outcome.message.splitlines())
        printed_messages.add(outcome.message)
    printed = next((outcome.printed for outcome in outcomes if outcome.printed), "")
    if printed:
        yield "  your code printed:"
        yield from (f"    {line}" for line in printed.splitlines())


# ---- staff ---------------------------------------------------------------------------------------------------------


def release(args):
    from minivision.homework import load_assignment
    from minivision.homework.leaks import leaks
    from minivision.homework.manifest import projects
    from minivision.homework.release import release as write

    if args.assignment in projects():
        return homework_project.release(args)
    if options := homework_project.given(args):
        raise UsageError(f"--{next(iter(options))} is of an open project ({', '.join(projects())})")
    assignment = load_assignment(args.assignment)
    for name in write(assignment, args.out):
        print(f"{args.out}/{name}")
    found = leaks(assignment, args.out)
    if found:
        print("\n".join(found), file=sys.stderr)
        shutil.rmtree(args.out)
        raise ValueError(f"{args.out} would contain parts of the solution, see above; it is removed")
    print("checked: it gives nothing away")
    return 0


def solution(args):
    from minivision.core.atomic import atomic_write
    from minivision.homework import load_assignment, source

    with atomic_write(args.out) as partial:
        partial.write_text(source.solution(load_assignment(args.assignment)), encoding="utf-8")
    print(args.out)
    return 0


def rubric(args):
    from minivision.homework import load_assignment, project
    from minivision.homework.manifest import projects
    from minivision.homework.questions import load_questions, sheet

    if args.assignment in projects():
        print(project.rubric(args.assignment), end="")
        return 0
    assignment = load_assignment(args.assignment)
    if not load_questions(assignment):
        raise ValueError(f"{assignment.name} has no questions.toml")
    print(sheet(assignment, rubric=True), end="")
    return 0


def grade(args):
    from minivision.homework import batch_grading, load_assignment
    from minivision.homework import gradescope as formats
    from minivision.homework.advice import must_have_hidden_tests
    from minivision.homework.class_results import TABLE, ClassResults, write_table
    from minivision.homework.formats import check_format, write_reports
    from minivision.homework.own_solution import with_measured_limits

    assignment = load_assignment(args.assignment)
    if args.format and not args.out:
        raise UsageError(f"--format {args.format}: say with --out where to write it")
    must_have_hidden_tests(assignment)
    check_format(args.format)
    paths = [args.submission] if args.one else batch_grading.submissions(assignment, args.submission)
    several = len(paths) > 1
    _refuse_existing(args)
    if not (args.unlocked or args.unprotected or args.scheduler):
        batch_grading.require_protections()
    if not args.proved and (several or args.seed is not None):  # its own seed is proved by `check`
        print("first the library's own solution, with this seed; --proved leaves it out", file=sys.stderr)
        assignment = with_measured_limits(assignment, seed=args.seed, isolated=not args.unlocked)
    kept = None
    if several:
        seed = assignment.seed if args.seed is None else args.seed
        kept = ClassResults(args.results or f"{assignment.name}-results", assignment, seed, resume=args.resume)
    results = [kept.reports[path] for path in map(printable, paths) if path in kept.reports] if several else []

    def write():
        if args.json and results:
            written = [formats.results(each) for each in sorted(results, key=lambda each: each.submission)]
            formats.write_results({"submissions": written} if several else written[0], args.json)
        if args.csv and results:
            write_table(assignment, results, args.csv)

    def on_result(report):
        if args.json:
            formats.write_results(formats.results(report), args.json)

    write()
    todo = [path for path in paths if not several or kept.lacks(path)]
    graded = _graded(args, assignment, todo, None if several else on_result)
    with (
        _stopped_by_sigterm(),
        progress_bar(total=len(todo), unit="submission", leave=False, disable=not several) as bar,
        contextlib.closing(graded),
    ):
        try:
            for result in graded:
                results.append(result)
                if several:
                    kept.add(result)
                write()
                bar.update()
                bar.write(_line(result), file=sys.stdout)
        except KeyboardInterrupt:
            files = [str(path) for path in (kept and kept.folder, args.json, args.csv) if path and results]
            where = f" and stand in {' and '.join(files)}" if files else ""
            again = "; --resume goes on" if several else ""
            raise KeyboardInterrupt(
                f"stopped; {len(results)} of {len(paths)} submissions are graded{where}{again}"
            ) from None
    if args.out:
        reports = [formats.results(each) for each in sorted(results, key=lambda each: each.submission)]
        write_reports(reports, args.format or "gradescope", args.out)
    for sentence in dict.fromkeys(sentence for result in results for sentence in result.unprotected):
        print(f"not protected on this system: {sentence}", file=sys.stderr)
    if several:
        print(f"{len(results)} submissions: {kept.folder / TABLE}")
    failed = [result for result in results if not result.graded]
    if failed:
        print(f"minivision: {len(failed)} of {len(results)} submissions could not be graded", file=sys.stderr)
    return 1 if failed else 0


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


def gradescope(args):
    from minivision.homework import load_assignment
    from minivision.homework.gradescope import autograder
    from minivision.homework.own_solution import with_measured_limits

    if args.wheels and not any(pathlib.Path(args.wheels).glob("*.whl")):
        raise UsageError(f"--wheels: {args.wheels} holds no wheel")
    assignment = load_assignment(args.assignment)
    with_measured_limits(assignment, seed=args.seed, isolated=False)
    minutes = {} if args.minutes is None else {"minutes": args.minutes}
    autograder(assignment, args.out, seed=args.seed, wheels=args.wheels, **minutes)
    print(args.out)
    return 0


def check(args):
    from minivision.homework import load_assignment
    from minivision.homework.advice import advice
    from minivision.homework.verification import MIN_NAMED_SHARE, verify

    assignment = load_assignment(args.assignment)
    for task in args.tasks or ():
        assignment.task(task)
    if args.seeds:
        return _prove_seeds(assignment, args)
    sentences = advice(assignment)
    for sentence in sentences:
        print(f"WARNING: {sentence}")
    claims = verify(assignment, jobs=args.jobs, tasks=args.tasks)
    verified = []
    with progress_bar(total=next(claims), unit="claim", leave=False) as bar:
        for claim in claims:
            verified.append(claim)
            bar.update()
            if not claim.met or (args.messages and claim.kind == "mutant"):
                bar.write(_claim(claim), file=sys.stdout)
    mutants = [claim for claim in verified if claim.kind == "mutant"]
    named = sum(bool(claim.named) for claim in mutants)
    for kind in dict.fromkeys(claim.kind for claim in verified):
        of_kind = [claim for claim in verified if claim.kind == kind]
        print(f"{kind}: {sum(claim.met for claim in of_kind)} of {len(of_kind)} are met")
    print(f"wrong solutions with a named cause: {named} of {len(mutants)}")
    for claim in mutants:
        if claim.met and not claim.named:
            print(f"  not named: {claim.task} {claim.name}")
    met = all(claim.met for claim in verified) and named >= MIN_NAMED_SHARE * len(mutants)
    return 0 if met and not sentences else 1


def _prove_seeds(assignment, args):
    """Print for which seeds right solutions lose points."""
    from minivision.homework.seeds import prove

    proofs, failed, tried = prove(assignment, args.seeds, tasks=args.tasks, jobs=args.jobs), 0, 0
    with progress_bar(total=next(proofs), unit="proof", leave=False) as bar:
        for proof in proofs:
            bar.update()
            tried, failed = tried + 1, failed + bool(proof.failures)
            if proof.failures:
                bar.write(_failed_seeds(proof), file=sys.stdout)
    print(f"{tried - failed} of {tried} right solutions pass the hidden tests for all of {args.seeds + 1} seeds")
    return 1 if failed else 0


def _failed_seeds(proof):
    seeds = sorted({seed for seed, *_ in proof.failures})
    seed, name, message = proof.failures[0]
    shown = ", ".join(map(str, seeds[:10])) + ", ..." * (len(seeds) > 10)
    head = f"FAILS: {proof.task} {proof.solution}: {len(seeds)} of {proof.seeds} seeds: {shown}"
    return "\n".join([head, f"    with {seed}: {name}", *(f"      {line}" for line in message.splitlines())])


def _claim(claim):
    head = f"{'' if claim.met else 'FAILS: '}{claim.kind} {claim.task} {claim.name}".replace("  ", " ")
    return "\n".join([head, *(f"    {line}" for line in claim.detail.splitlines())])
