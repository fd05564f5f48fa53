"""Verification of an assignment before it is handed out.

The blank file earns nothing and the solution everything; wrong solutions (mutants) fail, and their messages name the
cause; other right solutions earn full points; the release gives no solution away and works on its own.
"""

import concurrent.futures
import dataclasses
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap
import tomllib

from minivision.homework import source
from minivision.homework.batch_grading import student_library
from minivision.homework.grading import grade
from minivision.homework.leaks import leaks
from minivision.homework.manifest import ManifestError, load_assignment
from minivision.homework.own_solution import write_solution
from minivision.homework.plugin import run_tests
from minivision.homework.release import release

MIN_ALTERNATIVES = 2  # for each task with a function
MIN_NAMED_SHARE = 0.75  # of the mutants whose message names the cause
_MUTANT_KEYS = {"task", "name", "function", "replace", "body", "says"}


@dataclasses.dataclass
class Requirement:
    """One requirement on an assignment, and whether it is met.

    Attributes
    ----------
    kind : str
        ``"blank"``, ``"solution"``, ``"one task"``, ``"mutant"``, ``"alternative"``, ``"release"``.
    task, name : str
        Id of the task or an empty string, and the requirement in words.
    met : bool
    named : bool or None
        For a mutant: whether the message to the student names the cause.
    detail : str
        What was observed instead, or the message to the student.
    """

    kind: str
    task: str
    name: str
    met: bool
    named: bool | None = None
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A typical wrong solution.

    Attributes
    ----------
    task, name, function : str
        Id of the task, the mistake in words, and the name of the wrong function.
    body : str
        Body of the function.
    says : str
        Regular expression that the message to the student must match. Empty if no message can name the cause.
    """

    task: str
    name: str
    function: str
    body: str
    says: str


def mutants(assignment):
    """Read the wrong solutions of an assignment from its ``mutants.toml``.

    Parameters
    ----------
    assignment : Assignment

    Returns
    -------
    mutants : list of Mutant

    Raises
    ------
    ManifestError
        If an entry does not fit the source of the library any more.
    """
    path = assignment.folder / "mutants.toml"
    result = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("mutant", []):
        where = f"{path}: {entry.get('name', 'a mutant without a name')}"
        if not {"task", "name", "function", "says"} <= set(entry) <= _MUTANT_KEYS:
            raise ManifestError(f"{where}: expected {', '.join(sorted(_MUTANT_KEYS))}, got {', '.join(sorted(entry))}")
        task = assignment.task(entry["task"])
        given = [each for one in (task, *assignment.all_prerequisites(task)) for each in (*one.functions, *one.helpers)]
        dotted = next((each for each in given if each.endswith(f".{entry['function']}")), None)
        if dotted is None:
            raise ManifestError(
                f"{where}: {entry['function']} is not a function of task {task.id} or of its prerequisites"
            )
        body = source.function_of(dotted).body
        for old, new in entry.get("replace", []):
            if body.count(old) != 1:
                raise ManifestError(
                    f"{where}: the body of {dotted} contains {old!r} {body.count(old)} times, expected once"
                )
            body = body.replace(old, new)
        if "body" in entry:
            body = textwrap.indent(textwrap.dedent(entry["body"].strip("\n")), "    ") + "\n"
        if body == source.function_of(dotted).body:
            raise ManifestError(f"{where}: the body is unchanged")
        result.append(Mutant(task.id, entry["name"], entry["function"], body, entry["says"]))
    return result


def alternatives(assignment):
    """Read the other right solutions of an assignment from its folder ``alternatives``.

    Parameters
    ----------
    assignment : Assignment

    Returns
    -------
    alternatives : list of tuple
        ``(id of the task, name, source of a module)``
    """
    result = []
    for path in sorted((assignment.folder / "alternatives").glob("*.py")):
        task, _, name = path.stem.partition("-")
        result.append((assignment.task(task).id, name, path.read_text(encoding="utf-8")))
    return result


def verify(assignment, *, jobs=1, tasks=None):
    """Verify an assignment.

    Parameters
    ----------
    assignment : Assignment
    jobs : int
        Number of pieces of work that are done at the same time: a mutant is one, so is the blank file.
    tasks : sequence of str, optional
        Ids of tasks. Only their mutants, alternatives and single tasks are verified.

    Yields
    ------
    total : int
        First, the number of pieces of work.
    requirements : list of Requirement
        Then what each piece verified, when it is done.
    """
    selected = [task for task in assignment.tasks if tasks is None or task.id in tasks]
    ids = {task.id for task in selected}
    others = [each for each in alternatives(assignment) if each[0] in ids]
    work = [("mutant", each) for each in mutants(assignment) if each.task in ids]
    work += [("alternative", each) for each in others]
    work += [("one task", task.id) for task in selected]
    if tasks is None:
        work = [("solution", None), ("blank", None), ("release", None), *work]
    yield 1 + len(work)
    yield [_enough_alternatives(task, others) for task in selected if task.functions]
    with tempfile.TemporaryDirectory(prefix="minivision-") as scratch, student_library(assignment) as library:
        handed_out = pathlib.Path(scratch) / assignment.name
        release(assignment, handed_out)
        spawn = multiprocessing.get_context("spawn")
        arguments = str(assignment.folder), library, str(handed_out)
        with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
            running = [pool.submit(_verify, *arguments, kind, what) for kind, what in work]
            try:
                for future in concurrent.futures.as_completed(running):
                    yield future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _enough_alternatives(task, others):
    count = sum(id == task.id for id, *_ in others)
    return Requirement(
        "alternative", task.id, "there are enough", count >= MIN_ALTERNATIVES, detail=f"there are {count}"
    )


def _verify(folder, library, handed_out, kind, what):
    """Verify one piece of work, in a process of the pool."""
    os.environ["NUMBA_NUM_THREADS"] = "1"
    assignment, handed_out = load_assignment(folder), pathlib.Path(handed_out)
    with tempfile.TemporaryDirectory(prefix="minivision-") as scratch:
        file = pathlib.Path(scratch) / assignment.file
        return list(_VERIFY[kind](assignment, what, file, library, handed_out))


def _blank(assignment, _, file, library, handed_out):
    """The blank file earns nothing, and each of its functions names its task."""
    file.write_text((handed_out / assignment.file).read_text(encoding="utf-8"), encoding="utf-8")
    report = grade(assignment, file, library=library)
    yield Requirement("blank", "", "earns nothing", report.earned == 0 and not report.problem, detail=_lost(report))
    for task in report.tasks:
        passed = [outcome.name for outcome in task.outcomes if outcome.passed]
        detail = f"{passed}" if task.outcomes else "it has no tests"
        yield Requirement("blank", task.id, "fails all tests", bool(task.outcomes) and not passed, detail=detail)
    text = file.read_text(encoding="utf-8")
    for task in assignment.tasks:
        raised = all(f'raise NotImplementedError("task {task.id}:' in _body(text, name) for name in task.names)
        yield Requirement("blank", task.id, "raises by task", raised)


def _body(text, name):
    return source.functions_in(text)[name].body


def _solution(assignment, _, file, library, handed_out):
    """The solution earns everything."""
    write_solution(assignment, file)
    report = grade(assignment, file, library=library)
    for task in report.tasks:
        points = sum(outcome.points for outcome in task.outcomes)
        yield Requirement(
            "solution", task.id, "the points of its tests add up", points == task.points, detail=f"{points:g}"
        )
    everything = assignment.points + assignment.bonus
    met = report.earned == everything and all(o.passed for task in report.tasks for o in task.outcomes)
    yield Requirement("solution", "", "earns everything", met, detail=_lost(report))


def _one_task(assignment, id, file, library, handed_out):
    """A solution of one task and its prerequisites earns their points, and those of tasks that only use them."""
    task = assignment.task(id)
    solved = [each.id for each in assignment.all_prerequisites(task)] + [id]
    text = source.solution(assignment, solved)
    if task.file:
        write_solution(assignment, file, text)
    else:
        file.write_text(text, encoding="utf-8")
    report = grade(assignment, file, library=library)
    users = [each for each in assignment.tasks if not each.functions and not each.file]
    done = [each for each in users if set(each.prerequisites) <= set(solved)]
    done += [each for each in assignment.tasks if each.id in solved]
    expected = {each.id: each.points if each in done else 0 for each in assignment.tasks}
    wrong = [each for each in report.tasks if each.earned != expected[each.id]]
    detail = "; ".join(f"{each.id}: {each.earned:g}, expected {expected[each.id]:g}" for each in wrong)
    yield Requirement("one task", id, f"with {', '.join(solved)}", not wrong, detail=detail)


def _mutant(assignment, mutant, file, library, handed_out):
    """A wrong solution fails, and the message names the cause."""
    write_solution(assignment, file, source.with_body(assignment, mutant.function, mutant.body))
    # As students see it, with recorded results.
    outcomes = run_tests(load_assignment(handed_out), file, [mutant.task], library=library, isolated=True)
    message = "\n\n".join(outcome.message for outcome in outcomes if not outcome.passed)
    caught = bool(message)
    if not caught:
        report = grade(assignment, file, library=library, tasks=[mutant.task])
        caught = report.earned < assignment.task(mutant.task).points
        message = "(only by hidden tests) " + _lost(report)
    named = bool(mutant.says and caught and re.search(mutant.says, " ".join(message.split())))
    yield Requirement("mutant", mutant.task, mutant.name, caught, named, message)


def _alternative(assignment, what, file, library, handed_out):
    """Another right solution earns all points."""
    id, name, text = what
    file.write_text(source.with_functions(assignment, text), encoding="utf-8")
    report = grade(assignment, file, library=library, tasks=[id])
    met = report.earned == report.points + report.bonus and all(
        o.passed for task in report.tasks for o in task.outcomes
    )
    own = set(source.functions_in(text)) & set(assignment.task(id).names)
    lost = _lost(report) or ("" if own else f"it contains no function of task {id}")
    yield Requirement("alternative", id, name, met and bool(own), detail=lost)


def _release(assignment, _, file, library, handed_out):
    """The release gives no solution away, and works without another library on the path."""
    found = leaks(assignment, handed_out)
    yield Requirement("release", "", "gives nothing away", not found, detail="\n".join(found))
    everything = "import pkgutil, importlib, minivision as m\n"
    everything += "for x in pkgutil.walk_packages(m.__path__, 'minivision.'):\n"
    everything += "    if '__main__' not in x.name and '.cupy' not in x.name: importlib.import_module(x.name)"
    code, output = _run_alone(library, ["-c", everything], handed_out)
    yield Requirement("release", "", "all modules can be imported", code == 0, detail=output)
    code, output = _run_alone(library, ["-m", "minivision", "homework", "test"], handed_out)
    lines = [line for line in output.splitlines() if "not written yet" in line or ": write " in line]
    enough = code == 1 and len(lines) >= len([task for task in assignment.tasks if task.functions])
    yield Requirement("release", "", "its tests list the blank functions", enough, detail=output)
    (handed_out / assignment.file).rename(file)
    written = []
    try:
        written = write_solution(assignment, handed_out / assignment.file)
        code, output = _run_alone(library, ["-m", "minivision", "homework", "test"], handed_out)
        yield Requirement("release", "", "its tests pass with the solution", code == 0, detail=output)
    finally:
        for path in written:
            path.unlink()
        file.rename(handed_out / assignment.file)


def _run_alone(library, arguments, folder):
    """Run Python with the library of a release and no other on its path; return its exit code and its output."""
    program = f"import sys; sys.path.insert(0, {library!r}); sys.argv[1:] = {arguments!r}\n"
    if arguments[0] == "-c":
        program += arguments[1]
    else:
        program += "from minivision.cli import main\nsys.exit(main(sys.argv[3:]))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def _lost(report):
    """Describe where a submission lost points, and why."""
    lines = [report.problem] if report.problem else []
    for task in report.tasks:
        for outcome in task.outcomes:
            if not outcome.passed:
                lines.append(f"{task.id} {outcome.name}: {outcome.message}")
    return "\n".join(lines)


_VERIFY = {
    "blank": _blank,
    "solution": _solution,
    "one task": _one_task,
    "mutant": _mutant,
    "alternative": _alternative,
    "release": _release,
}
