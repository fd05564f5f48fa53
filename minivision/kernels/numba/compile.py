"""One way to compile every kernel: cached on disk where that is possible, never with bounds checks or errors."""

import ast
import functools
import os
import pathlib

import numba

# Kernels divide by numbers that the doors have checked, so NumPy's division (no ZeroDivisionError) is the cheap one.
_OPTIONS = {"error_model": "numpy", "boundscheck": False, "nogil": True}


def _launch_threads():
    """Start Numba's threads so that one that waits for another soon gives up its core.

    GNU's OpenMP lets it spin for milliseconds. Where another program wants the core too, the thread waited for then
    waits for the spinning one, and a training step took ten times as long; on a quiet machine it makes no
    difference. What the user chose stands.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = "1000"
        numba.get_num_threads()  # starts them, and OpenMP reads its variables once
        del os.environ["GOMP_SPINCOUNT"]


_launch_threads()


def jit(function=None, **options):
    """Compile a kernel when it is first called; like ``numba.njit`` with this project's options.

    The machine code is kept in the cache folder (``__pycache__``, or where ``NUMBA_CACHE_DIR`` points). Where no
    folder can be written, the kernel is compiled anew in each process. A change in a file of this folder makes stale
    what was compiled from it or from a file that imports it: Numba by itself would look only at the caller's file.
    """
    if function is None:
        return functools.partial(jit, **options)
    options = {**_OPTIONS, **options}
    try:
        kernel = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return numba.njit(**options)(function)
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    file = pathlib.Path(function.__code__.co_filename)
    if hasattr(index, "_source_stamp") and file.is_file():
        index._source_stamp = (index._source_stamp, _stamp(file))
    return kernel


@functools.cache
def _stamp(file):
    """Return what changes when a file of kernels, or one of this folder that it imports, does."""
    files = sorted(_sources(file))
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)


def _sources(file, found=frozenset()):
    """Return a file and the files of this folder that it imports, directly or not."""
    found = found | {file}
    for imported in _imports(file) - found:
        found = _sources(imported, found)
    return found


@functools.cache
def _imports(file):
    """Return the files of this folder that a file names in its import statements."""
    folder, package = pathlib.Path(__file__).parent, __package__ + "."
    statements = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.ImportFrom)]
    names = {node.module.removeprefix(package) for node in statements if (node.module or "").startswith(package)}
    return {folder / f"{name}.py" for name in names}
