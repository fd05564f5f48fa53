"""Whether a release gives anything away: lines of a solution, marks, compiled files, outputs of solved cells."""

import json
import pathlib
import re
import zipfile

from minivision.homework.library import PACKAGE
from minivision.homework.source import function_of, functions_in

SHORTEST = 25  # characters of a line that can give something away
_COMPILED = (".pyc", ".pyo", ".nbi", ".nbc", ".so", ".pyd", ".o", ".cu", ".ptx", ".cubin")
_FOLDERS = {"__pycache__", "hidden", "alternatives", ".ipynb_checkpoints", ".git", ".pytest_cache"}
_FILES = {"mutants.toml", "results.json"}
_MARKS = re.compile(r"(BEGIN|END)\s+(HIDDEN|SOLUTION)|#+\s*SOLUTION", re.IGNORECASE)


def solution_lines(assignment):
    """Return the lines that a release must not hold, each with the function that it is from."""
    found = {}
    for dotted in (*assignment.functions, *assignment.functions_held_back):
        for line in function_of(dotted).body.splitlines():
            found.setdefault(_plain(line), dotted)
    names = {dotted.rpartition(".")[2] for dotted in (*assignment.functions, *assignment.functions_held_back)}
    for path in sorted((PACKAGE / "kernels" / "numba").glob("*.py")):
        for name, function in functions_in(path.read_text()).items():
            if name in names:
                for line in function.body.splitlines():
                    found.setdefault(_plain(line), f"the kernel {name}")
    public = {_plain(line) for line in assignment.public_lines}
    return {line: name for line, name in found.items() if _tells(line) and line not in public}


def _plain(line):
    return " ".join(line.split("  #")[0].split())


def _tells(line):
    """Return whether a line is a part of an answer: not the checks and messages that many functions share."""
    return len(line) >= SHORTEST and not line.startswith(("#", '"', "'", "raise ", 'f"', "from ", "import "))


def leaks(assignment, folder):
    """Look through a release, also inside of its wheels and notebooks.

    Parameters
    ----------
    assignment : Assignment
    folder : path

    Returns
    -------
    list of str
        What it gives away, a sentence each.
    """
    secret, found = solution_lines(assignment), []
    for name, data in _files(pathlib.Path(folder)):
        path = pathlib.PurePosixPath(name)
        if path.suffix in _COMPILED or _FOLDERS & set(path.parts) or path.name in _FILES:
            found.append(f"{name} is not to be handed out")
            continue
        if path.suffix in (".whl", ".bin"):
            continue  # the wheel's files are looked at one by one; the answers are numbers
        text = data.decode("utf-8", errors="replace")
        if path.suffix == ".ipynb":
            text, outputs = _notebook(text)
            found += [f"{name}, cell {cell} holds outputs" for cell in outputs]
        for number, line in enumerate(text.splitlines(), 1):
            if _plain(line) in secret:
                found.append(f"{name}, line {number} is from {secret[_plain(line)]}: {line.strip()}")
            if _MARKS.search(line):
                found.append(f"{name}, line {number} bears a mark: {line.strip()}")
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
    """Return the source of all cells, and the numbers of those with outputs."""
    cells = json.loads(text)["cells"]
    outputs = [k for k, cell in enumerate(cells, 1) if cell.get("outputs")]
    return "\n".join("".join(cell["source"]) for cell in cells), outputs
