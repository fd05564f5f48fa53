"""Load a file of the user's as a backend: it runs afresh each time, and errors name the line in the file."""

from __future__ import annotations

import difflib
import inspect
import linecache
import os
import pathlib
import sys
import traceback
import types
from collections.abc import Callable

from minivision.core.backends import register_backend
from minivision.core.registry import operations


class StudentFileError(ValueError):
    """A file cannot be used as a backend; the message names the file, the line, and what is wrong there."""


def load_backend(path: str | os.PathLike[str], *, otherwise: str | None = None) -> str:
    """Register the functions of a file as a backend, under the name of the file.

    The file is run afresh, whatever was imported before; so are the modules in its folder that it imports.

    Parameters
    ----------
    path : str or path
        A Python file. Its public functions have the names and the parameters of operations, except for those that it
        names itself in a list ``not_operations``.
    otherwise : str, optional
        Name of the backend for operations that the file has no function for, such as ``"numba"``; by default they run
        as their reference implementations.

    Returns
    -------
    name : str
        Name of the backend: ``"mine.py"``.

    Raises
    ------
    StudentFileError
        When the file cannot be read or run, or when a function of it names no operation or takes other parameters.
    """
    path = pathlib.Path(path)
    module = _run(path)
    # Only what was written in the file: an operation that it merely imports would call itself without end.
    own = types.ModuleType(module.__name__)
    own.__file__ = module.__file__
    for name, value in vars(module).items():
        function = getattr(value, "py_func", value)  # what a Numba dispatcher was made of
        if inspect.isfunction(function) and function.__module__ == module.__name__:
            setattr(own, name, value)
    own.not_operations = _not_operations(module, path)  # type: ignore[attr-defined]
    try:
        register_backend(path.name, own, otherwise=otherwise)
    except TypeError as error:
        message = str(error).removeprefix(f"{own.__name__}.")
        name = message.partition(" ")[0]
        close = difflib.get_close_matches(name, operations(), 1, cutoff=0.8)
        hint = f" (did you mean {close[0]}?)" if close and name not in operations() else ""
        raise StudentFileError(f"{path}, line {first_line(getattr(own, name))}: {message}{hint}") from None
    return path.name


def _not_operations(module, path):
    """Return the public functions of a file that are to be no operations, as it says itself."""
    names = getattr(module, "not_operations", ())
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise StudentFileError(f"{path}: not_operations: expected a list of names of functions, got {names!r}")
    return names


def _run(path):
    """Run a file as a fresh module; return the module."""
    try:
        code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except OSError as error:
        raise StudentFileError(f"{path}: {error.strerror or error}") from None
    except (SyntaxError, ValueError) as error:  # a ValueError for what is no text at all
        line, text = getattr(error, "lineno", None), (getattr(error, "text", None) or "").strip()
        place = f"{path}, line {line}" if line else f"{path}"
        shown = f": `{text}`" if text.isprintable() and text else ""
        raise StudentFileError(f"{place}: {getattr(error, 'msg', error)}{shown}") from None
    linecache.checkcache(str(path))
    module = types.ModuleType(path.stem)
    module.__file__ = str(path)
    known, writes_bytecode, folder = set(sys.modules), sys.dont_write_bytecode, str(path.resolve().parent)
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True  # a cached version could be taken for the edited file
    try:
        exec(code, vars(module))
    except (Exception, SystemExit) as error:
        raise StudentFileError(f"{place_of(error, path)}: {shown_error(error)}") from None
    finally:
        sys.path.remove(folder)
        sys.dont_write_bytecode = writes_bytecode
        for name in set(sys.modules) - known:
            if name.partition(".")[0] not in known and _is_in(sys.modules[name], folder):
                del sys.modules[name]
    return module


def _is_in(module, folder):
    """Return whether a module is a file of a folder, or belongs to a package there."""
    top = module.__name__.partition(".")[0]
    return os.path.realpath(getattr(module, "__file__", None) or "").startswith(os.path.join(folder, top))


def first_line(function: Callable) -> int:
    """Return the line on which a function begins, also one that Numba compiled or that runs in another process."""
    function = getattr(function, "py_func", function)
    return getattr(function, "first_line", None) or function.__code__.co_firstlineno


def last_frame(error: BaseException, path: str | os.PathLike[str] | None = None) -> traceback.FrameSummary | None:
    """Return the innermost frame of an exception, or None; with `path`, the innermost one in that file."""
    frame = getattr(error, "frame", None)
    if frame is not None:  # it was raised in another process
        return frame
    frames: list[traceback.FrameSummary] = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in frames if path is None or frame.filename == str(path)]
    return frames[-1] if frames else None


def place_of(error: BaseException, path: str | os.PathLike[str]) -> str:
    """Return the innermost line of a file in the traceback of an exception: ``"mine.py, line 7"``."""
    frame = last_frame(error, path)
    return f"{path}, line {frame.lineno}" if frame else str(path)


def shown_error(error: BaseException) -> str:
    """Return the kind and the message of an exception, in one line."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
