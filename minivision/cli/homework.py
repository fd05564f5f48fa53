"""Homework: release assignments, test solutions, grade submissions, and verify assignments."""

import importlib.util
import pathlib
import shutil
import sys

from minivision.cli import homework_alone, homework_class, homework_grade, homework_project
from minivision.cli.options import Parser, UsageError, count, positive, seed
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

    homework_grade.add_arguments(commands)

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
    mistaken = {outcome.task for outcome in wrong if not outcome.unwritten and assignment.task(outcome.task).functions}
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
            yield from (f"    {line}" for line in outcome.message.splitlines())
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
    from minivision.homework import load_assignment
    from minivision.homework.own_solution import write_solution

    for path in write_solution(load_assignment(args.assignment), args.out):
        print(path)
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
    pieces = verify(assignment, jobs=args.jobs, tasks=args.tasks)
    verified = []
    with progress_bar(total=next(pieces), unit="piece", leave=False) as bar:
        for claims in pieces:
            verified += claims
            bar.update()
            for claim in claims:
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
