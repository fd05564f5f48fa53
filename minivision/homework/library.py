"""The library for students: without the bodies and kernels of the functions that they write."""

import ast
import base64
import fnmatch
import hashlib
import importlib.metadata
import pathlib
import zipfile

import minivision
from minivision.homework.manifest import ManifestError, source_file
from minivision.homework.source import without_bodies, without_functions

PACKAGE = pathlib.Path(minivision.__file__).parent
# Modules of this package that only staff need.
STAFF = (
    "advice", "batch_grading", "class_results", "class_statistics", "cluster_grading", "collecting", "control_group",
    "formats", "gradescope", "grading", "handed_in", "judging", "leaderboard", "leaks", "library", "local_executor",
    "own_solution", "project", "questions", "recording", "release", "scratch", "seeds", "similarity", "source",
    "trusted_student", "verification",
)  # fmt: skip
# Shell patterns; a star also matches slashes.
_LEFT_OUT = ("kernels/cupy/*", "homework/*/*", "*__pycache__*", *(f"homework/{name}.py" for name in STAFF))
_SUFFIXES = {".py", ".html", ".css", ".js", ".typed"}


def library_files(assignment):
    """Return the files of the library for students of an assignment.

    Parameters
    ----------
    assignment : Assignment

    Returns
    -------
    files : dict
        Path inside of the package, with slashes -> bytes.

    Raises
    ------
    ManifestError
        If a file to hold back does not exist.
    """
    paths = [path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and path.suffix in _SUFFIXES]
    held_back = [pattern.removeprefix("minivision/") for pattern in assignment.files_held_back]
    for pattern in held_back:
        if not any(fnmatch.fnmatchcase(path.relative_to(PACKAGE).as_posix(), pattern) for path in paths):
            raise ManifestError(f"{assignment.name}: there is no file minivision/{pattern} to hold back")
    held_back += _LEFT_OUT
    names = {dotted.rpartition(".")[2] for dotted in assignment.withheld}
    bodies = _messages(assignment)
    files = {}
    for path in paths:
        name, data = path.relative_to(PACKAGE).as_posix(), path.read_bytes()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in held_back):
            continue
        if path in bodies:
            data = without_bodies(data.decode(), bodies[path]).encode()
        elif name.startswith("kernels/numba/") and names & _functions(data):
            text = without_functions(data.decode(), names)
            if text is None:
                continue
            data = text.encode()
        files[name] = data
    return files


def _messages(assignment):
    """Return, for each file, the functions whose bodies are removed and the error messages in their place."""
    messages = {}
    for task in assignment.tasks:
        for dotted in task.functions:
            name = dotted.rpartition(".")[2]
            message = f"task {task.id}: {task.title}: write {name} in {assignment.file}, and choose it as the backend"
            messages.setdefault(source_file(dotted), {})[name] = message
    for dotted in assignment.withheld[len(assignment.functions) :]:
        message = f"{assignment.name}: this function is not part of the handout"
        messages.setdefault(source_file(dotted), {})[dotted.rpartition(".")[2]] = message
    return messages


def _functions(data):
    return {node.name for node in ast.parse(data).body if isinstance(node, ast.FunctionDef)}


def write_library(assignment, folder):
    """Write the library for students into a folder, as the package ``minivision``.

    Parameters
    ----------
    assignment : Assignment
    folder : path
    """
    for name, data in library_files(assignment).items():
        path = pathlib.Path(folder) / "minivision" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def whole_library():
    """Return all files of the library, for the graders of staff.

    Returns
    -------
    files : dict
        As :func:`library_files` returns them.
    """
    paths = [path for path in sorted(PACKAGE.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(PACKAGE).as_posix(): path.read_bytes() for path in paths}


def write_wheel(files, local_version, folder):
    """Write files of the library as a wheel. The same files give the same bytes.

    Parameters
    ----------
    files : dict
        As :func:`library_files` returns them.
    local_version : str
        Appended to the version of the library, after a plus.
    folder : path

    Returns
    -------
    path : Path
    """
    version = f"{minivision.__version__}+{local_version}"
    info = f"minivision-{version}.dist-info"
    files = {f"minivision/{name}": data for name, data in files.items()}
    files[f"{info}/METADATA"] = _metadata(version)
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: minivision\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\nminivision = minivision.cli:main\n"
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    path = pathlib.Path(folder) / f"minivision-{version}-py3-none-any.whl"
    write_zip(files, path)
    return path


def write_zip(files, path):
    """Write a zip archive whose bytes depend on the contents only. Scripts (files with ``#!``) are executable.

    Parameters
    ----------
    files : dict
        Name -> bytes.
    path : path
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            executable = data.startswith(b"#!")
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, (0o755 if executable else 0o644) << 16
            archive.writestr(entry, data)


def _metadata(version):
    """Return the metadata of this installation, with the requirements of students: pytest is one of them."""
    try:
        installed = importlib.metadata.metadata("minivision")
    except importlib.metadata.PackageNotFoundError:
        raise ValueError(
            "minivision is on the path but not installed, so its requirements are unknown: pip install -e ."
        ) from None
    lines = ["Metadata-Version: 2.1", "Name: minivision", f"Version: {version}"]
    lines += [f"{key}: {installed[key]}" for key in ("Summary", "Requires-Python") if installed[key]]
    for requirement in installed.get_all("Requires-Dist") or []:
        if "extra ==" not in requirement:
            lines.append(f"Requires-Dist: {requirement}")
    lines.append("Requires-Dist: pytest>=8")
    return ("\n".join(lines) + "\n").encode()


def _digest(data):
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
