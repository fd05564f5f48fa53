"""The proof: blanks earn nothing, solutions everything, mistakes are caught and named, nothing leaks."""

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
from minivision.homework.plugin import run_tests
from minivision.homework.release import release

FEWEST_ALTERNATIVES = 2  # for each task with a function
NAMED = 0.75  # of the mutants, at least, the message must name the cause
_MUTANT_KEYS = {"task", "name", "function", "replace", "body", "says"}


@dataclasses.dataclass
class Claim:
    """One thing that was to be shown.

    Attributes
    ----------
    kind : str
        ``"blank"``, ``"solution"``, ``"one task"``, ``"mutant"``, ``"alternative"``, ``"release"``.
    task, name : str
    holds : bool
    named : bool or None
        Of a mutant: whether the message to the student names the cause; None where nothing is to be named.
    detail : str
        What was seen instead, or the message.
    """

    kind: str
    task: str
    name: str
    holds: bool
    named: bool | None = None
    detail: str = ""


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A classic wrong solution.

    Attributes
    ----------
    task, name, function : str
    body : str
        Of the function.
    says : str
        A regular expression for what the student should be told; empty where nobody could say.
    """

    task: str
    name: str
    function: str
    body: str
    says: str


def mutants(assignment):
    """Return the catalogue of wrong solutions.

    Raises
    ------
    ManifestError
        When an entry does not fit the library's source any more.
    """
    path = assignment.folder / "mutants.toml"
    found = []
    for entry in tomllib.loads(path.read_text()).get("mutant", []):
        where = f"{path}: {entry.get('name', 'a mutant without a name')}"
        if not {"task", "name", "function", "says"} <= set(entry) <= _MUTANT_KEYS:
            raise ManifestError(f"{where}: expected {', '.join(sorted(_MUTANT_KEYS))}, got {', '.join(sorted(entry))}")
        task = assignment.task(entry["task"])
        given = (*task.functions, *(each for other in assignment.before(task) for each in other.functions))
        dotted = next((each for each in given if each.endswith(f".{entry['function']}")), None)
        if dotted is None:
            raise ManifestError(f"{where}: {entry['function']} is no function of task {task.id} or of those before it")
        body = source.function_of(dotted).body
        for old, new in entry.get("replace", []):
            if body.count(old) != 1:
                raise ManifestError(
                    f"{where}: the body of {dotted} holds {old!r} {body.count(old)} times, expected once"
                )
            body = body.replace(old, new)
        if "body" in entry:
            body = textwrap.indent(textwrap.dedent(entry["body"].strip("\n")), "    ") + "\n"
        if body == source.function_of(dotted).body:
            raise ManifestError(f"{where}: nothing is changed")
        found.append(Mutant(task.id, entry["name"], entry["function"], body, entry["says"]))
    return found


def alternatives(assignment):
    """Return the other right solutions: a list of ``(task, name, text of a module)``."""
    found = []
    for path in sorted((assignment.folder / "alternatives").glob("*.py")):
        task, _, name = path.stem.partition("-")
        found.append((assignment.task(task).id, name, path.read_text()))
    return found


def prove(assignment, *, jobs=1, tasks=None):
    """Show all that an assignment must satisfy; yields a :class:`Claim` for each thing, as it is done.

    Parameters
    ----------
    assignment : Assignment
    jobs : int
        How many are worked at the same time.
    tasks : sequence of str, optional
        Ids: only mutants, alternatives and single tasks of these.
    """
    chosen = [task for task in assignment.tasks if tasks is None or task.id in tasks]
    ids = {task.id for task in chosen}
    others = [each for each in alternatives(assignment) if each[0] in ids]
    work = [("mutant", each) for each in mutants(assignment) if each.task in ids]
    work += [("alternative", each) for each in others]
    work += [("one task", task.id) for task in chosen]
    if tasks is None:
        work = [("solution", None), ("blank", None), ("release", None), *work]
    yield total_of(work, chosen)
    for task in chosen:
        count = sum(each[0] == task.id for each in others)
        if task.functions:
            enough = count >= FEWEST_ALTERNATIVES
            yield Claim("alternative", task.id, "there are enough", enough, detail=f"there are {count}")
    with tempfile.TemporaryDirectory(prefix="minivision-") as scratch, student_library(assignment) as library:
        handed_out = pathlib.Path(scratch) / assignment.name
        release(assignment, handed_out)
        spawn = multiprocessing.get_context("spawn")
        given = str(assignment.folder), library, str(handed_out)
        with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
            running = [pool.submit(_examine, *given, kind, what) for kind, what in work]
            try:
                for future in concurrent.futures.as_completed(running):
                    yield from future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def total_of(work, chosen):
    """Return how many claims there will be at least: what :func:`prove` yields first, for a bar of progress."""
    return len(work) + sum(bool(task.functions) for task in chosen)


def _examine(folder, library, handed_out, kind, what):
    """Show one thing, in a process of the pool."""
    os.environ["NUMBA_NUM_THREADS"] = "1"
    assignment, handed_out = load_assignment(folder), pathlib.Path(handed_out)
    with tempfile.TemporaryDirectory(prefix="minivision-") as scratch:
        file = pathlib.Path(scratch) / assignment.file
        return _EXAMINE[kind](assignment, what, file, library, handed_out)


def _blank(assignment, _, file, library, handed_out):
    """The blank earns nothing, and says of each function which task it belongs to."""
    file.write_text((handed_out / assignment.file).read_text())
    result = grade(assignment, file, library=library)
    yield Claim("blank", "", "earns nothing", result.earned == 0 and not result.problem, detail=_lost(result))
    for task in result.tasks:
        passed = [outcome.name for outcome in task.outcomes if outcome.passed]
        detail = "" if task.outcomes else "it has no tests"
        yield Claim(
            "blank", task.id, "fails all tests", bool(task.outcomes) and not passed, detail=detail or f"{passed}"
        )
    text = file.read_text()
    for task in assignment.tasks:
        raised = all(f'raise NotImplementedError("task {task.id}:' in _body(text, name) for name in task.names)
        yield Claim("blank", task.id, "raises by task", raised)


def _body(text, name):
    return source.functions_in(text)[name].body


def _solution(assignment, _, file, library, handed_out):
    """The solution earns everything."""
    file.write_text(source.solution(assignment))
    result = grade(assignment, file, library=library)
    for task in result.tasks:
        worth = sum(outcome.points for outcome in task.outcomes)
        yield Claim("solution", task.id, "the tests' points are the task's", worth == task.points, detail=f"{worth:g}")
    holds = result.earned == assignment.points and all(o.passed for task in result.tasks for o in task.outcomes)
    yield Claim("solution", "", "earns everything", holds, detail=_lost(result))


def _one_task(assignment, id, file, library, handed_out):
    """A task with those it builds upon, and nothing else, earns exactly the points of these."""
    task = assignment.task(id)
    given = [each.id for each in assignment.before(task)] + [id]
    file.write_text(source.solution(assignment, given))
    result = grade(assignment, file, library=library)
    worth = {each.id: each.points if each.id in given else 0 for each in assignment.tasks}
    wrong = [
        f"{each.id}: {each.earned:g} of {worth[each.id]:g}" for each in result.tasks if each.earned != worth[each.id]
    ]
    yield Claim("one task", id, f"with {', '.join(given)}", not wrong, detail="; ".join(wrong))


def _mutant(assignment, mutant, file, library, handed_out):
    """A wrong solution is caught, and the student is told why."""
    file.write_text(source.with_body(assignment, mutant.function, mutant.body))
    # What the student sees, where the textbook's answers are those that were written down.
    outcomes = run_tests(load_assignment(handed_out), file, [mutant.task], library=library, locked=True).outcomes
    told = "\n\n".join(outcome.message for outcome in outcomes if not outcome.passed)
    caught = bool(told)
    if not caught:
        result = grade(assignment, file, library=library, tasks=[mutant.task])
        caught = result.earned < assignment.task(mutant.task).points
        told = "(only by hidden tests) " + _lost(result)
    named = bool(re.search(mutant.says, " ".join(told.split()))) if mutant.says and caught else False
    yield Claim("mutant", mutant.task, mutant.name, caught, named, told)


def _alternative(assignment, what, file, library, handed_out):
    """Another right solution gets full marks."""
    id, name, text = what
    file.write_text(source.with_functions(assignment, text))
    result = grade(assignment, file, library=library, tasks=[id])
    holds = result.earned == result.points and all(o.passed for task in result.tasks for o in task.outcomes)
    own = set(source.functions_in(text)) & set(assignment.task(id).names)
    lost = _lost(result) or ("" if own else f"it holds no function of task {id}")
    yield Claim("alternative", id, name, holds and bool(own), detail=lost)


def _release(assignment, _, file, library, handed_out):
    """The release gives nothing away, and works by itself, with no other library on the path."""
    found = leaks(assignment, handed_out)
    yield Claim("release", "", "gives nothing away", not found, detail="\n".join(found))
    everything = "import pkgutil, importlib, minivision as m\n"
    everything += "for x in pkgutil.walk_packages(m.__path__, 'minivision.'):\n"
    everything += "    if '__main__' not in x.name and '.cupy' not in x.name: importlib.import_module(x.name)"
    code, said = _alone(library, ["-c", everything], handed_out)
    yield Claim("release", "", "all modules can be imported", code == 0, detail=said)
    code, said = _alone(library, ["-m", "minivision", "homework", "test"], handed_out)
    lines = [line for line in said.splitlines() if "not written yet" in line]
    enough = code == 1 and len(lines) >= len([task for task in assignment.tasks if task.functions])
    yield Claim("release", "", "its tests say what is not written yet", enough, detail=said)
    (handed_out / assignment.file).rename(file)
    try:
        (handed_out / assignment.file).write_text(source.solution(assignment))
        code, said = _alone(library, ["-m", "minivision", "homework", "test"], handed_out)
        yield Claim("release", "", "its tests pass with the solution", code == 0, detail=said)
    finally:
        file.replace(handed_out / assignment.file)


def _alone(library, arguments, folder):
    """Run Python with no other library on its path than the one of a release; return its exit code and what it said."""
    program = f"import sys; sys.path.insert(0, {library!r}); sys.argv[1:] = {arguments!r}\n"
    if arguments[0] == "-c":
        program += arguments[1]
    else:
        program += "from minivision.cli import main\nsys.exit(main(sys.argv[3:]))"
    done = subprocess.run(
        [sys.executable, "-P", "-c", program], cwd=folder, capture_output=True, text=True, timeout=600, check=False
    )
    return done.returncode, (done.stdout + done.stderr).strip()


def _lost(result):
    """Say where a result lost points, and why."""
    lines = [result.problem] if result.problem else []
    for task in result.tasks:
        for outcome in task.outcomes:
            if not outcome.passed:
                lines.append(f"{task.id} {outcome.name}: {outcome.message}")
    return "\n".join(lines)


_EXAMINE = {
    "blank": lambda *given: list(_blank(*given)),
    "solution": lambda *given: list(_solution(*given)),
    "one task": lambda *given: list(_one_task(*given)),
    "mutant": lambda *given: list(_mutant(*given)),
    "alternative": lambda *given: list(_alternative(*given)),
    "release": lambda *given: list(_release(*given)),
}
