"""Searches a release for leaks: lines of a solution, marks of solutions, compiled files, outputs of notebooks."""

import json
import pathlib
import re
import zipfile

from minivision.homework.library import PACKAGE
from minivision.homework.source import function_of, functions_in

MIN_LINE_CHARS = 25  # shorter lines do not give a solution away
_COMPILED = (".pyc", ".pyo", ".nbi", ".nbc", ".so", ".pyd", ".o", ".cu", ".ptx", ".cubin")
_FOLDERS = {"__pycache__", "hidden", "alternatives", "solution", ".ipynb_checkpoints", ".git", ".pytest_cache"}
_FILES = {"mutants.toml", "questions.toml", "results.json"}
_MARKS = re.compile(r"(BEGIN|END)\s+(HIDDEN|SOLUTION)|#+\s*SOLUTION", re.IGNORECASE)


def solution_lines(assignment):
    """Return the lines that a release must not contain.

    Parameters
    ----------
    assignment : Assignment

    Returns
    -------
    lines : dict
        Line -> the function that it belongs to.
    """
    lines = {}
    for dotted in assignment.withheld:
        for line in function_of(dotted).body.splitlines():
            lines.setdefault(_plain(line), dotted)
    names = {dotted.rpartition(".")[2] for dotted in assignment.withheld}
    for path in sorted((PACKAGE / "kernels" / "numba").glob("*.py")):
        for name, function in functions_in(path.read_text(encoding="utf-8")).items():
            if name in names:
                for line in function.body.splitlines():
                    lines.setdefault(_plain(line), f"the kernel {name}")
    public = {_plain(line) for line in assignment.public_lines}
    return {line: name for line, name in lines.items() if _is_telling(line) and line not in public}


def _plain(line):
    return " ".join(line.split("  #")[0].split())


def _is_telling(line):
    """Return whether a line is part of a solution, not an error message or an import that many functions share."""
    return len(line) >= MIN_LINE_CHARS and not line.startswith(("#", '"', "'", "raise ", 'f"', "from ", "import "))


def leaks(assignment, folder):
    """Search a release for leaks, also inside of its wheel and notebook.

    Parameters
    ----------
    assignment : Assignment
    folder : path

    Returns
    -------
    found : list of str
        One sentence for each leak.
    """
    secret, found = solution_lines(assignment), []
    for name, data in _files(pathlib.Path(folder)):
        path = pathlib.PurePosixPath(name)
        if path.suffix in _COMPILED or _FOLDERS & set(path.parts) or path.name in (*_FILES, *assignment.files):
            found.append(f"{name} must not be handed out")
            continue
        if path.suffix in (".whl", ".bin"):
            continue  # the files in the wheel follow one by one; recorded results are numbers
        text = data.decode("utf-8", errors="replace")
        if path.suffix == ".ipynb":
            text, outputs = _notebook(text)
            found += [f"{name}, cell {cell} has outputs" for cell in outputs]
        for number, line in enumerate(text.splitlines(), 1):
            if _plain(line) in secret:
                found.append(f"{name}, line {number} is from {secret[_plain(line)]}: {line.strip()}")
            if _MARKS.search(line):
                found.append(f"{name}, line {number} has a mark of a solution: {line.strip()}")
    return found


def _files(folder):
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        name = path.relative_to(folder).as_posix()
        yield name, path.read_bytes()
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                for entry in wheel.namelist():
                    yield f"{name}/{entry}", wheel.read(entry)


def _notebook(text):
    """Return the source of all cells, and the numbers of the cells with outputs."""
    cells = json.loads(text)["cells"]
    outputs = [k for k, cell in enumerate(cells, 1) if cell.get("outputs")]
    return "\n".join("".join(cell["source"]) for cell in cells), outputs
