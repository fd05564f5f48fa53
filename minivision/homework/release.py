"""Writes the folder that students get: the blank file, visible tests, notebook, and the library without solutions."""

import json
import logging
import pathlib
import shutil

from minivision.homework import recorded_references, source
from minivision.homework.library import PACKAGE, library_files, write_wheel
from minivision.homework.recording import record

logger = logging.getLogger("minivision")

_CONFTEST = '''\
"""Plain `pytest` works here too."""

import pathlib

from minivision.homework.plugin import plain_plugin


def pytest_configure(config):
    plugin = plain_plugin(pathlib.Path(__file__).parent.parent)
    config.pluginmanager.register(plugin, "minivision_homework")
    plugin.pytest_configure(config)
'''
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
    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not empty; choose a new folder, so that no old file is handed out")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _fill(assignment, partial)
        if folder.exists():
            folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _fill(assignment, folder):
    (folder / "tests").mkdir(parents=True)
    wheel = write_wheel(library_files(assignment), assignment.name, folder)
    (folder / assignment.file).write_text(source.blank(assignment), encoding="utf-8")
    (folder / "manifest.toml").write_text(public_manifest(assignment), encoding="utf-8")
    (folder / "README.md").write_text(_readme(assignment, wheel.name), encoding="utf-8")
    for path in sorted((assignment.folder / "tests").glob("*.py")):
        (folder / "tests" / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "tests" / "conftest.py").write_text(_CONFTEST, encoding="utf-8")
    record(assignment, folder / recorded_references.FILE)
    notebook = PACKAGE.parent / assignment.notebook
    if not assignment.notebook:
        return
    if not notebook.is_file():
        logger.warning("Released without %s: the notebooks stand in the repository, not in this install", notebook.name)
    else:
        (folder / notebook.name).write_text(without_outputs(notebook.read_text(encoding="utf-8")), encoding="utf-8")


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
        for key in ("id", "title", "points", "functions", "prerequisites", "seconds"):
            value = getattr(task, key)
            lines.append(f"{key} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
    return "\n".join(lines) + "\n"


_README = """\
# {title}

You write all functions in `{file}`. Start in this folder:

```
python3 -m venv .venv && . .venv/bin/activate && pip install ./{wheel}
minivision homework test {first}
```

The command tests one task. It lists what is right and what is wrong, and if it recognizes the mistake, it names it.
It loads your file again each time. `minivision homework test` without a number tests all tasks.

| task | | points |
|---|---|---|
{tasks}

{notebook}The installed library has everything except the functions that you write. When your functions are finished,
all layers and models of the library run on them: `minivision train SYSTEM --backend {file} ...` trains one of the
systems of the lecture.

You hand in `{file}` and nothing else. {imports}It is graded with other numbers than those in these tests, so a
function that only returns the numbers of the tests earns no points.
"""


def _readme(assignment, wheel):
    notebook = pathlib.Path(assignment.notebook).name
    imports = ", ".join(f"`{each}`" for each in assignment.imports)
    guide = f"`{notebook}` explains the tasks one by one, with pictures (`pip install jupyterlab`).\n\n"
    return _README.format(
        title=assignment.title,
        file=assignment.file,
        wheel=wheel,
        first=assignment.tasks[0].id,
        tasks="\n".join(f"| {task.id} | {task.title} | {task.points:g} |" for task in assignment.tasks),
        notebook=guide if notebook else "",
        imports=f"It may import {imports}, what is in these, and nothing else.\n" if imports else "",
    )
