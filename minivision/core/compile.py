"""Compilation of loops with Numba: cached on disk if possible, without bounds checks and error checks.

Where Numba cannot be imported, loops stay plain Python: slow, and with the same results.

Global state
------------
``_parallel`` : files that have functions with threads.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import pathlib
from collections.abc import Callable
from typing import Any

try:
    import numba

    from minivision.core.numba_internals import compile_where_cache_fails, set_cache_stamp, start_threads
except ImportError:  # not installed, or not for this version of Python or NumPy
    numba = None  # type: ignore[assignment]

# Divisors were checked by the dispatcher; NumPy's division, without ZeroDivisionError, is faster than Python's.
_OPTIONS = {"error_model": "numpy", "boundscheck": False, "nogil": True}
_PACKAGE = pathlib.Path(__file__).parents[1]  # the folder minivision
_parallel: set[pathlib.Path] = set()

if numba is not None:
    start_threads()


def jit(function: Callable | None = None, **options: Any) -> Any:
    """Compile a function at its first call, as ``numba.njit`` does, with the options of this project.

    The machine code is kept in the cache folder (``__pycache__``, or the folder in ``NUMBA_CACHE_DIR``). If no
    folder is writable, or a file in it is damaged, the process compiles the function itself. When the content of a
    file changes, its functions and those of all files that import it are compiled again; Numba itself checks only the
    file of the function.
    """
    if function is None:
        return functools.partial(jit, **options)
    if numba is None:
        return function
    file = pathlib.Path(function.__code__.co_filename)
    if options.get("parallel"):
        _parallel.add(file)
    options = {**_OPTIONS, **options}
    try:
        kernel = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return numba.njit(**options)(function)
    if file.is_file():
        set_cache_stamp(kernel, _stamp(file))
        compile_where_cache_fails(kernel)
    return kernel


def is_parallel(file: pathlib.Path) -> bool:
    """Return whether a file that is imported already has functions with threads."""
    return file in _parallel


def imported_files(file: pathlib.Path) -> frozenset[pathlib.Path]:
    """Return a file of this package and the files of this package that it imports, directly or not."""
    return _sources(file)


@functools.cache
def _stamp(file):
    """Return a value that changes with the content of a file, or of a file of this package that it imports."""
    return tuple((file.name, _digest(file)) for file in sorted(_sources(file)))


@functools.cache
def _digest(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _sources(file, found=frozenset()):
    found = found | {file}
    for imported in _imports(file) - found:
        found = _sources(imported, found)
    return found


@functools.cache
def _imports(file):
    """Return the files of this package that a file names in its import statements."""
    statements = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.ImportFrom)]
    modules = {node.module for node in statements if (node.module or "").startswith("minivision.")}
    files = {_PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py") for module in modules}
    return {file for file in files if file.is_file()}
