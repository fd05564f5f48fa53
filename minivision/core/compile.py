"""One way to compile every loop: cached on disk where that is possible, never with bounds checks or errors."""

import ast
import functools
import pathlib

import numba

from minivision.core.numba_internals import add_to_cache_stamp, start_threads

# The dispatcher has checked what kernels divide by, so NumPy's division (no ZeroDivisionError) is the cheap one.
_OPTIONS = {"error_model": "numpy", "boundscheck": False, "nogil": True}
_PACKAGE = pathlib.Path(__file__).parents[1]  # the folder minivision

start_threads()


def jit(function=None, **options):
    """Compile a function when it is first called; like ``numba.njit`` with this project's options.

    The machine code is kept in the cache folder (``__pycache__``, or where ``NUMBA_CACHE_DIR`` points). Where no
    folder can be written, the function is compiled anew in each process. A change in a file makes stale what was
    compiled from it and from every file that imports it: Numba by itself looks only at the file of the function.
    """
    if function is None:
        return functools.partial(jit, **options)
    options = {**_OPTIONS, **options}
    try:
        kernel = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return numba.njit(**options)(function)
    file = pathlib.Path(function.__code__.co_filename)
    if file.is_file():
        add_to_cache_stamp(kernel, _stamp(file))
    return kernel


@functools.cache
def _stamp(file):
    """Return a value that changes when a file changes, or one of this package that it imports."""
    files = sorted(_sources(file))
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)


def _sources(file, found=frozenset()):
    """Return a file and the files of this package that it imports, directly or not."""
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
