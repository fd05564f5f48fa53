"""What an assignment consists of, as its ``manifest.toml`` says."""

import dataclasses
import importlib
import inspect
import pathlib
import tomllib

from minivision.core.registry import operations

_HERE = pathlib.Path(__file__).parent
# key -> type; those of an assignment and those of each of its tasks
_KEYS = {
    "title": str, "file": str, "header": str, "task": list, "seed": int, "notebook": str,
    "functions_held_back": list, "files_held_back": list, "public_lines": list,
}  # fmt: skip
_TASK_KEYS = {
    "id": str, "title": str, "points": (int, float), "functions": list, "prerequisites": list, "seconds": (int, float),
    "hints": list,
}  # fmt: skip
_REQUIRED, _TASK_REQUIRED = ("title", "file", "header", "task"), ("id", "title", "points", "functions")


class ManifestError(ValueError):
    """A manifest that cannot be used; the message names the file, the entry, and what is wrong with it."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One task of an assignment.

    Attributes
    ----------
    id : str
        ``"1.3"``.
    title : str
    points : float
    functions : tuple of str
        The operations to write, by their dotted names; none for a task that uses what the others have written.
    prerequisites : tuple of str
        The ids of tasks without which this one cannot be solved.
    seconds : float
        What all its tests may take in the student's code.
    hints : tuple of str
        Lines of comment in the blank.
    """

    id: str
    title: str
    points: float
    functions: tuple = ()
    prerequisites: tuple = ()
    seconds: float = 20.0
    hints: tuple = ()

    @property
    def names(self):
        """The functions' names alone."""
        return tuple(function.rpartition(".")[2] for function in self.functions)


@dataclasses.dataclass(frozen=True)
class Assignment:
    """An assignment: its tasks, and the folder with its tests.

    Attributes
    ----------
    name : str
        ``"hw1"``.
    folder : Path
        Where the manifest is.
    title, file, header : str
        What it is about; the name of the student's file, and what stands in it above the functions.
    tasks : tuple of Task
    seed : int
        Of the numbers in hidden tests, where staff choose no other.
    notebook : str
        The worked notebook, from the top of the repository.
    functions_held_back, files_held_back : tuple of str
        What else would give a solution away: functions whose bodies are cut out, and files that are left out.
    public_lines : tuple of str
        Lines of a solution that a release may hold all the same.
    """

    name: str
    folder: pathlib.Path
    title: str
    file: str
    header: str
    tasks: tuple
    seed: int = 0
    notebook: str = ""
    functions_held_back: tuple = ()
    files_held_back: tuple = ()
    public_lines: tuple = ()

    @property
    def functions(self):
        """All functions to write, by their dotted names, in the order of the tasks."""
        return tuple(function for task in self.tasks for function in task.functions)

    @property
    def points(self):
        """What all tasks are worth together."""
        return sum(task.points for task in self.tasks)

    def task(self, id):
        """Return the task of this id.

        Raises
        ------
        ValueError
            When there is none; the message lists those there are.
        """
        for task in self.tasks:
            if task.id == id:
                return task
        raise ValueError(f"{self.name} has no task {id}; there are {', '.join(task.id for task in self.tasks)}")

    def task_of(self, function):
        """Return the task in which a function is written, by its name or dotted name."""
        return next(task for task in self.tasks if function in (*task.functions, *task.names))

    def before(self, task):
        """Return the tasks that `task` builds upon, and those that these build upon, in the order of the assignment."""
        wanted, found = list(task.prerequisites), set()
        while wanted:
            id = wanted.pop()
            if id not in found:
                found.add(id)
                wanted += self.task(id).prerequisites
        return tuple(each for each in self.tasks if each.id in found)


def assignments():
    """Return the names of the assignments that come with the library."""
    return sorted(path.parent.name for path in _HERE.glob("*/manifest.toml"))


def load_assignment(where):
    """Read an assignment.

    Parameters
    ----------
    where : str or path
        Its name, or a folder with a ``manifest.toml``.

    Returns
    -------
    Assignment

    Raises
    ------
    ManifestError
        When the manifest cannot be read or does not make sense.
    ValueError
        When there is no such assignment.
    """
    folder = _HERE / where if str(where) in assignments() else pathlib.Path(where)
    path = folder / "manifest.toml"
    if not path.is_file():
        known = ", ".join(assignments()) or "none in this installation"
        raise ValueError(f"{where} is neither an assignment ({known}) nor a folder with a manifest.toml")
    try:
        entries = tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: {error}") from None
    _check_entries(entries, _KEYS, _REQUIRED, f"{path}")
    tasks = [_task(entry, f"{path}, task {k}") for k, entry in enumerate(entries.pop("task"), 1)]
    name = entries.pop("name", None) or pathlib.Path(entries["file"]).stem
    entries = {key: tuple(value) if isinstance(value, list) else value for key, value in entries.items()}
    assignment = Assignment(name, folder, tasks=tuple(tasks), **entries)
    _check_tasks(assignment, path)
    return assignment


def _task(entry, where):
    if not isinstance(entry, dict):
        raise ManifestError(f"{where}: expected a table [[task]], got {entry!r}")
    _check_entries(entry, _TASK_KEYS, _TASK_REQUIRED, where)
    return Task(**{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()})


def _check_entries(entries, keys, required, where):
    for key, value in entries.items():
        if key not in keys:
            raise ManifestError(f"{where}: unknown entry {key}; there are {', '.join(keys)}")
        if not isinstance(value, keys[key]):
            raise ManifestError(f"{where}: {key} has the wrong type: {value!r}")
    for key in required:
        if key not in entries:
            raise ManifestError(f"{where}: the entry {key} is missing")


def _check_tasks(assignment, path):
    ids = [task.id for task in assignment.tasks]
    for id in ids:
        if ids.count(id) > 1:
            raise ManifestError(f"{path}: there are two tasks {id}")
    for task in assignment.tasks:
        for id in task.prerequisites:
            if id not in ids or ids.index(id) >= ids.index(task.id):
                raise ManifestError(f"{path}: task {task.id} needs {id}, which is not one of the tasks before it")
        if task.points < 0 or task.seconds <= 0:
            raise ManifestError(f"{path}: task {task.id}: points must not be negative, and seconds must be positive")
    for function in assignment.functions:
        if assignment.functions.count(function) > 1:
            raise ManifestError(f"{path}: {function} belongs to two tasks")
        operation(function, path)


def operation(function, path="a manifest"):
    """Return the operation of a dotted name."""
    module, _, name = function.rpartition(".")
    op = operations().get(name)
    if op is None or op.__module__ != module:
        raise ManifestError(f"{path}: {function} is no operation")
    return op


def source_file(function, path="a manifest"):
    """Return the file in which a function of the library stands, from its dotted name (``module.function``)."""
    module, _, name = function.rpartition(".")
    try:
        found = importlib.import_module(module)
    except ImportError:
        raise ManifestError(f"{path}: {function}: there is no module {module}") from None
    if not hasattr(found, name):
        raise ManifestError(f"{path}: {module} has no function {name}")
    return pathlib.Path(inspect.getsourcefile(found))
