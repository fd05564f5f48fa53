"""One way to compile every kernel: cached on disk where that is possible, never with bounds checks or errors."""

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
    folder can be written, the kernel is compiled anew in each process. A change in any file of this folder makes
    the whole folder's cache stale: Numba by itself would look only at the file that holds the caller.
    """
    if function is None:
        return functools.partial(jit, **options)
    options = {**_OPTIONS, **options}
    try:
        kernel = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return numba.njit(**options)(function)
    _depend_on_all_kernels(kernel)
    return kernel


@functools.cache
def _stamp():
    files = sorted(pathlib.Path(__file__).parent.glob("*.py"))
    return tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in files)


def _depend_on_all_kernels(kernel):
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        index._source_stamp = (index._source_stamp, _stamp())
