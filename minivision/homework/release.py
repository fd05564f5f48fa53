"""Writes the folder that students get: the blank file, visible tests, notebook, and the library without solutions.

For those who learn alone, :func:`start` writes the same folder without a library: theirs is installed.
"""

import contextlib
import json
import pathlib
import shutil

from minivision.homework import hints, questions, recorded_references, source
from minivision.homework.library import library_files, write_wheel
from minivision.homework.manifest import ManifestError, assignments
from minivision.homework.recording import record

_CONFTEST = '''\
"""Plain `pytest` works here too."""

import pathlib

from minivision.homework.plugin import plain_plugin


def pytest_configure(config):
    plugin = plain_plugin(pathlib.Path(__file__).parent.parent)
    config.pluginmanager.register(plugin, "minivision_homework")
    plugin.pytest_configure(config)
'''
HANDOUT = "handout"  # a folder of files that students get as they are
_SOLUTION_TAGS = {"solution", "staff"}  # tags of notebook cells that are not handed out


def release(assignment, folder):
    """Write the folder that students get.

    Parameters
    ----------
    assignment : Assignment
    folder : path
        A new or empty folder.

    Returns
    -------
    files : list of str
        Paths of its files, relative to the folder.

    Raises
    ------
    ValueError
        If the folder is not empty.
    """
    with new_folder(folder) as partial:
        _write_assignment(assignment, partial)
        wheel = write_wheel(library_files(assignment), assignment.name, partial)
        record(assignment, partial / recorded_references.FILE)
        _write_readme(assignment, partial, _RELEASED.format(wheel=wheel.name, **_words(assignment)))
    return files_in(folder)


def start(assignment, folder):
    """Write the folder of somebody who learns alone: it is tested with the installed library, which is whole.

    Parameters
    ----------
    assignment : Assignment
    folder : path
        A new or empty folder.

    Returns
    -------
    files : list of str
        Paths of its files, relative to the folder.

    Raises
    ------
    ValueError
        If the folder is not empty.
    """
    with new_folder(folder) as partial:
        _write_assignment(assignment, partial)
        _write_readme(assignment, partial, _STARTED.format(commands=_commands(assignment), **_words(assignment)))
    return files_in(folder)


@contextlib.contextmanager
def new_folder(folder):
    """Yield a folder beside a new or empty one, and put it in its place at the end: it is written as a whole.

    Raises
    ------
    ValueError
        If there is a file, or a folder that is not empty.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not empty; choose a new folder: nothing in it is overwritten or handed out")
    partial = folder.with_name(f"{folder.resolve().name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def files_in(folder):
    """Return the paths of all files in a folder, relative to it."""
    folder = pathlib.Path(folder)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _write_assignment(assignment, folder):
    """Write what does not depend on the library: the blank file, the manifest, hints, visible tests, the notebook."""
    (folder / "tests").mkdir()
    texts = {assignment.file: source.blank(assignment), "manifest.toml": public_manifest(assignment)}
    texts["tests/conftest.py"] = _CONFTEST
    for path in sorted((assignment.folder / "tests").glob("*.py")):
        texts[f"tests/{path.name}"] = path.read_text(encoding="utf-8")
    for path in sorted((assignment.folder / HANDOUT).glob("*")):
        if path.is_file():
            texts[path.name] = path.read_text(encoding="utf-8")
    if hints.load_hints(assignment):
        texts[hints.FILE] = (assignment.folder / hints.FILE).read_text(encoding="utf-8")
    if questions.load_questions(assignment):
        texts[questions.HANDED_OUT] = questions.sheet(assignment)
    if assignment.notebook:
        path = assignment.folder / assignment.notebook
        if not path.is_file():
            raise ManifestError(f"{assignment.folder / 'manifest.toml'}: there is no notebook {path}")
        texts[path.name] = without_outputs(path.read_text(encoding="utf-8"))
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")


def without_outputs(text):
    """Remove the outputs of a notebook, and its cells for staff (tags ``solution`` and ``staff``).

    Parameters
    ----------
    text : str
        The notebook as JSON.

    Returns
    -------
    text : str
    """
    notebook = json.loads(text)
    cells = [cell for cell in notebook["cells"] if not _SOLUTION_TAGS & set(cell.get("metadata", {}).get("tags", []))]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook | {"cells": cells}, indent=1, ensure_ascii=False) + "\n"


def public_manifest(assignment):
    """Return the text of the manifest for students: without held back functions and files, and without the seed."""
    lines = [f"{key} = {json.dumps(getattr(assignment, key))}" for key in ("title", "file", "header")]
    lines += [f"imports = {json.dumps(list(assignment.imports))}"] if assignment.imports else []
    for task in assignment.tasks:
        lines += ["", "[[task]]"]
        for key in ("id", "title", "points", "functions", "prerequisites", "seconds", *["file"] * bool(task.file)):
            value = getattr(task, key)
            lines.append(f"{key} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
        lines += ["bonus = true"] if task.bonus else []
    return "\n".join(lines) + "\n"


# ---- README ----------------------------------------------------------------------------------------------------------

_RELEASED = """\
Start in this folder:

```
python3 -m venv .venv && . .venv/bin/activate && pip install ./{wheel}
minivision homework test {first}
```

The command tests one task. It lists what is right and what is wrong, and if it recognizes the mistake, it names it.
It loads your file again each time. `minivision homework test` without a number tests all tasks.{hint}

The installed library has everything except the functions that you write. You hand in {files} and nothing else.
{imports}It is graded with other numbers than those in these tests, so a function that only returns the numbers of the
tests earns no points.
"""
_STARTED = """\
Four commands, in this folder:

```
{commands}
```

Your file is loaded again each time. `minivision homework test` without a number tests all tasks. The installed library
has the solutions: whoever looks at them before the third hint has lost the exercise.
{imports}"""
_COMMANDS = {
    "test {first}": "what is right, what is wrong and, if it is recognized, why",
    "hint {first}": "a hint; each call shows the next one",
    "test {first} --html steps.html": "a wrong function step by step, beside the right values",
    "grade {assignment} {file} --unlocked": "your points, with other numbers than in these tests",
}
_HINT = """
`minivision homework hint {first}` shows a hint, and each further call the next one, up to nearly the line."""
_README = """\
# {title}

You write all functions in `{file}`. {text}
| task | | points |
|---|---|---|
{tasks}

{notebook}When your functions are finished, all layers and models of the library run on them:
`minivision train SYSTEM --backend {file} ...` trains one of the systems of the lecture.
"""


def _words(assignment):
    """Return what the texts of the README are filled in with."""
    first = assignment.tasks[0].id
    imports = ", ".join(f"`{each}`" for each in assignment.imports)
    files = " and ".join(f"`{each}`" for each in (assignment.file, *assignment.files))
    return {
        "file": assignment.file,
        "first": first,
        "files": f"{files}, together in one folder or archive," if assignment.files else files,
        "imports": f"It may import {imports}, what is in these, and nothing else.\n" if imports else "",
        "hint": _HINT.format(first=first) if hints.load_hints(assignment) else "",
        "assignment": assignment.name if assignment.name in assignments() else assignment.folder.resolve(),
    }


def _commands(assignment):
    lines = {f"minivision homework {line}".format(**_words(assignment)): about for line, about in _COMMANDS.items()}
    width = max(map(len, lines))
    return "\n".join(f"{line:{width}}  # {about}" for line, about in lines.items())


def _write_readme(assignment, folder, text):
    notebook = pathlib.Path(assignment.notebook).name
    guide = f"`{notebook}` explains the tasks one by one, with pictures (`pip install jupyterlab`).\n\n"
    text = _README.format(
        title=assignment.title,
        file=assignment.file,
        text=text,
        tasks="\n".join(
            f"| {task.id} | {task.title} | {task.points:g}{' (bonus)' * task.bonus} |" for task in assignment.tasks
        ),
        notebook=guide if notebook else "",
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
