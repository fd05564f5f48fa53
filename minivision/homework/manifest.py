"""Assignments and their tasks, read from ``manifest.toml``."""

import dataclasses
import importlib
import inspect
import pathlib
import tomllib

from minivision.core.registry import PACKAGES, operations

_HERE = pathlib.Path(__file__).parent
PROJECT_FILES = "detector.py", "rubric.md"  # by which the folder of an open project is known
# key -> type: the entries of an assignment, and of each task
_KEYS = {
    "title": str, "file": str, "header": str, "task": list, "seed": int, "notebook": str,
    "functions_held_back": list, "files_held_back": list, "public_lines": list, "imports": list,
}  # fmt: skip
_TASK_KEYS = {
    "id": str, "title": str, "points": (int, float), "functions": list, "helpers": list, "prerequisites": list,
    "seconds": (int, float), "hints": list, "bonus": bool, "file": str,
}  # fmt: skip
_REQUIRED, _TASK_REQUIRED = ("title", "file", "header", "task"), ("id", "title", "points", "functions")


class ManifestError(ValueError):
    """A manifest that cannot be used. The message names the file, the entry and the problem."""


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
        Dotted names of the functions to write, most of them operations; a plain function of the library is called as
        it is, without argument check and dispatch. Empty for a task that uses the functions of other tasks.
    helpers : tuple of str
        Dotted names of private functions that these operations call. They are a part of the solution: the solved file
        has them, the blank file has not.
    prerequisites : tuple of str
        Ids of the tasks that must be solved before this one.
    seconds : float
        Time limit for the student's code in all tests of the task.
    hints : tuple of str
        Comment lines in the blank function.
    bonus : bool
        Whether its points count on top of those of the assignment.
    file : str
        Name of a file that is handed in beside the student's file, and judged in place of functions:
        ``"hw1-segmenter.npz"``.
    """

    id: str
    title: str
    points: float
    functions: tuple = ()
    helpers: tuple = ()
    prerequisites: tuple = ()
    seconds: float = 20.0
    hints: tuple = ()
    bonus: bool = False
    file: str = ""

    @property
    def names(self):
        """Names of the functions, without their modules."""
        return tuple(function.rpartition(".")[2] for function in self.functions)


@dataclasses.dataclass(frozen=True)
class Assignment:
    """An assignment: its tasks and its folder with tests.

    Attributes
    ----------
    name : str
        ``"hw1"``.
    folder : Path
        Folder of the manifest.
    title : str
    file : str
        Name of the student's file.
    header : str
        Code above the functions in the student's file.
    tasks : tuple of Task
    seed : int
        Default seed of the hidden tests.
    notebook : str
        Path of the notebook, relative to the folder of the manifest.
    functions_held_back : tuple of str
        Other functions that would give a solution away. The release has them without their bodies.
    files_held_back : tuple of str
        Other files that would give a solution away. The release does not have them.
    public_lines : tuple of str
        Lines of a solution that a release may contain.
    imports : tuple of str
        Dotted names of the packages, modules and functions that the student's file may import, with all that is in
        them. Empty: whatever there is.
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
    imports: tuple = ()

    @property
    def functions(self):
        """Dotted names of all functions to write, in the order of the tasks."""
        return tuple(function for task in self.tasks for function in task.functions)

    @property
    def names(self):
        """Names of all functions to write, without their modules."""
        return tuple(name for task in self.tasks for name in task.names)

    @property
    def files(self):
        """Names of the files that are handed in beside the student's file."""
        return tuple(task.file for task in self.tasks if task.file)

    @property
    def solution_files(self):
        """Paths of these files in the library's own solution, by their names."""
        return {name: self.folder / "solution" / name for name in self.files}

    @property
    def withheld(self):
        """Dotted names of all functions whose bodies students do not get."""
        helpers = (helper for task in self.tasks for helper in task.helpers)
        return tuple(dict.fromkeys((*self.functions, *helpers, *self.functions_held_back)))

    @property
    def points(self):
        """Sum of the points of all tasks but those for a bonus."""
        return sum(task.points for task in self.tasks if not task.bonus)

    @property
    def bonus(self):
        """Sum of the points of the tasks for a bonus, which count on top."""
        return sum(task.points for task in self.tasks if task.bonus)

    def task(self, id):
        """Return the task with an id.

        Raises
        ------
        ValueError
            If there is no such task. The message lists the existing ids.
        """
        for task in self.tasks:
            if task.id == id:
                return task
        raise ValueError(f"{self.name} has no task {id}; its tasks are {', '.join(task.id for task in self.tasks)}")

    def all_prerequisites(self, task):
        """Return the direct and indirect prerequisites of a task, in the order of the assignment."""
        to_visit, visited = list(task.prerequisites), set()
        while to_visit:
            id = to_visit.pop()
            if id not in visited:
                visited.add(id)
                to_visit += self.task(id).prerequisites
        return tuple(each for each in self.tasks if each.id in visited)


def assignments():
    """Return the names of the assignments in the library."""
    return sorted(path.parent.name for path in _HERE.glob("*/manifest.toml"))


def projects():
    """Return the names of the open projects in the library, which have no tests: `minivision.homework.project`."""
    return sorted(path.parent.name for path in _HERE.glob("*/handout") if path.parent.name not in assignments())


def load_assignment(where):
    """Read an assignment.

    Parameters
    ----------
    where : str or path
        Name of an assignment of the library, or a folder with a ``manifest.toml``.

    Returns
    -------
    Assignment

    Raises
    ------
    ManifestError
        If the manifest cannot be read or is inconsistent.
    ValueError
        If there is no such assignment, or it is an open project.
    """
    folder = _HERE / where if str(where) in assignments() else pathlib.Path(where)
    path = folder / "manifest.toml"
    if not path.is_file():
        if str(where) in projects() or all((folder / name).is_file() for name in PROJECT_FILES):
            raise ValueError(
                f"{folder.resolve().name} is an open project, without tasks, tests and hints: `minivision homework "
                "release` hands it out, and `minivision homework leaderboard` judges it"
            )
        known = ", ".join(assignments()) or "none in this installation"
        raise ValueError(f"{where} is neither an assignment ({known}) nor a folder with a manifest.toml")
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8"))
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
            raise ManifestError(f"{where}: unknown entry {key}; known entries are {', '.join(keys)}")
        if not isinstance(value, keys[key]):
            raise ManifestError(f"{where}: {key} has the wrong type: {value!r}")
    for key in required:
        if key not in entries:
            raise ManifestError(f"{where}: the entry {key} is missing")


def _check_tasks(assignment, path):
    ids = [task.id for task in assignment.tasks]
    for id in ids:
        if ids.count(id) > 1:
            raise ManifestError(f"{path}: two tasks have the id {id}")
    for task in assignment.tasks:
        for id in task.prerequisites:
            if id not in ids or ids.index(id) >= ids.index(task.id):
                raise ManifestError(f"{path}: task {task.id} has the prerequisite {id}, which is not an earlier task")
        if task.points < 0 or task.seconds <= 0:
            raise ManifestError(f"{path}: task {task.id}: points must not be negative, and seconds must be positive")
        _check_file(assignment, task, path)
    for function in assignment.functions:
        if assignment.functions.count(function) > 1:
            raise ManifestError(f"{path}: {function} belongs to two tasks")
        _check_function(function, path)


def _check_file(assignment, task, path):
    """Refuse a name that is no plain one, or of two files; and a task that is about functions and about a file."""
    name = task.file
    if name and (pathlib.PurePosixPath(name).name != name or not pathlib.PurePosixPath(name).suffix):
        raise ManifestError(f"{path}: task {task.id}: file must be a name such as segmenter.npz, got {name!r}")
    if name and (assignment.file, *assignment.files).count(name) > 1:
        raise ManifestError(f"{path}: task {task.id}: there are two files called {name}")
    if name and task.functions:
        raise ManifestError(f"{path}: task {task.id} is about a file and about functions: make two tasks of it")


def _check_function(function, path):
    """Refuse what students cannot write: it is an operation, or a plain function that no operation has the name of."""
    module, _, name = function.rpartition(".")
    op = operations().get(name)
    if op is not None and op.__module__ == module:
        return
    if op is not None or module.startswith(PACKAGES):
        raise ManifestError(f"{path}: {function} is not an operation")
    source_file(function, path)


def source_file(function, path="a manifest"):
    """Return the source file of a library function, given its dotted name (``module.function``)."""
    module, _, name = function.rpartition(".")
    try:
        imported = importlib.import_module(module)
    except ImportError:
        raise ManifestError(f"{path}: {function}: there is no module {module}") from None
    if not hasattr(imported, name):
        raise ManifestError(f"{path}: {module} has no function {name}")
    return pathlib.Path(inspect.getsourcefile(imported))
