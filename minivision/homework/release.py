"""An assignment as a folder for students: their file, visible tests, the notebook, a library without answers."""

import json
import pathlib
import shutil

from minivision.homework import recording as answers_recording
from minivision.homework import source
from minivision.homework.library import PACKAGE, library_files, write_wheel

_CONFTEST = '''\
"""So that plain `pytest` works here too."""

import pathlib

from minivision.homework.plugin import plain_plugin


def pytest_configure(config):
    plugin = plain_plugin(pathlib.Path(__file__).parent.parent)
    config.pluginmanager.register(plugin, "minivision_homework")
    plugin.pytest_configure(config)
'''
_SOLUTION_TAGS = {"solution", "staff"}  # cells of a notebook that are not handed out


def release(assignment, folder):
    """Write what students get.

    Parameters
    ----------
    assignment : Assignment
    folder : path
        Is made; it must not exist yet, or be empty.

    Returns
    -------
    list of str
        What it holds.

    Raises
    ------
    ValueError
        When there is something in the folder already.
    """
    folder = pathlib.Path(folder)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not empty; choose a new folder, so that nothing old is handed out with the rest")
    beside = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        _fill(assignment, beside)
        if folder.exists():
            folder.rmdir()
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _fill(assignment, folder):
    (folder / "tests").mkdir(parents=True)
    wheel = write_wheel(library_files(assignment), assignment.name, folder)
    (folder / assignment.file).write_text(source.blank(assignment))
    (folder / "manifest.toml").write_text(public_manifest(assignment))
    (folder / "README.md").write_text(_readme(assignment, wheel.name))
    for path in sorted((assignment.folder / "tests").glob("*.py")):
        (folder / "tests" / path.name).write_text(path.read_text())
    (folder / "tests" / "conftest.py").write_text(_CONFTEST)
    answers_recording.record(assignment, folder / "answers.bin")
    notebook = PACKAGE.parent / assignment.notebook
    if assignment.notebook and notebook.is_file():
        (folder / notebook.name).write_text(without_outputs(notebook.read_text()))


def without_outputs(text):
    """Return a notebook without outputs, and without the cells that are for staff alone."""
    notebook = json.loads(text)
    cells = [cell for cell in notebook["cells"] if not _SOLUTION_TAGS & set(cell.get("metadata", {}).get("tags", []))]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    return json.dumps(notebook | {"cells": cells}, indent=1, ensure_ascii=False) + "\n"


def public_manifest(assignment):
    """Return the manifest as students get it: without what is held back, and the seed of hidden tests."""
    lines = [f"{key} = {json.dumps(getattr(assignment, key))}" for key in ("title", "file", "header")]
    for task in assignment.tasks:
        lines += ["", "[[task]]"]
        for key in ("id", "title", "points", "functions", "prerequisites", "seconds"):
            value = getattr(task, key)
            lines.append(f"{key} = {json.dumps(list(value) if isinstance(value, tuple) else value)}")
    return "\n".join(lines) + "\n"


_README = """\
# {title}

Everything you write goes into `{file}`. Begin here, in this folder:

```
python3 -m venv .venv && . .venv/bin/activate && pip install ./{wheel}
minivision homework test {first}
```

The test says of a task what holds and what does not and, where the mistake is a known one, what it looks like. It runs
your file anew each time. `minivision homework test` alone runs all tasks.

| task | | points |
|---|---|---|
{tasks}

{notebook}The installed library has everything but what you are to write. Once your functions are there, they run
under all of it: `minivision train SYSTEM --backend {file} ...` trains one of the lecture's systems on them.

You hand in `{file}`, nothing else. The points come from other numbers than those of the tests here: what passes here
by heart earns nothing.
"""


def _readme(assignment, wheel):
    notebook = pathlib.Path(assignment.notebook).name
    walk = f"`{notebook}` goes through the tasks one by one, with pictures (`pip install jupyterlab`).\n\n"
    return _README.format(
        title=assignment.title,
        file=assignment.file,
        wheel=wheel,
        first=assignment.tasks[0].id,
        tasks="\n".join(f"| {task.id} | {task.title} | {task.points:g} |" for task in assignment.tasks),
        notebook=walk if notebook else "",
    )
