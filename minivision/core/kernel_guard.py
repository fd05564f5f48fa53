"""Which compiled kernels may run here: Numba's threads are not safe everywhere, and some code cannot run uncompiled.

A kernel is looked up once, so what is decided here costs its calls nothing.

Global state
------------
``_forked`` : whether this process is a fork of one whose threads had been started; they do not exist in it.
``_lock`` : held by the one thread that runs a parallel kernel, where Numba's threads serve only one at a time.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numba

from minivision.core.compile import imported_files, is_parallel
from minivision.core.numba_internals import threading_layer

_forked = False
_lock = threading.RLock()


def guarded(kernel: Callable, module: ModuleType) -> Callable | None:
    """Return a kernel as it may be called in this process; None if it can only run compiled, and nothing is.

    In a forked process, one with threads would wait for ever: a function is returned that raises RuntimeError.

    Parameters
    ----------
    kernel : callable
    module : module
        Its module, of ``minivision.kernels.numba``.
    """
    files = imported_files(Path(module.__file__ or ""))
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return None if any(file.name == "vectors.py" for file in files) else kernel
    if not any(map(is_parallel, files)):
        return kernel
    if _forked:
        return _refuse(kernel)
    return _one_at_a_time(kernel) if threading_layer() == "workqueue" else kernel


def _one_at_a_time(kernel):
    @functools.wraps(kernel)
    def locked(*args, **kwargs):
        with _lock:
            return kernel(*args, **kwargs)

    return locked


def _refuse(kernel):
    @functools.wraps(kernel)
    def refuse(*args, **kwargs):
        raise RuntimeError(
            f"{kernel.__name__}: this process is a fork of one that had started threads for its kernels, and a fork "
            "has no such threads. Start processes by 'spawn' instead: multiprocessing.get_context('spawn'), "
            "ProcessPoolExecutor(mp_context=...), DataLoader(multiprocessing_context='spawn'); or choose the slow "
            "backend 'reference' in them"
        )

    return refuse


def forget_threads(layer: str) -> None:
    """Decide anew about every kernel, in a process that was forked after the parent started threads of `layer`."""
    global _forked, _lock
    from minivision.core import backends

    _lock = threading.RLock()  # a thread of the parent may hold the other one
    _forked = _forked or layer == "omp"  # the others can start threads in a fork
    for backend in backends.backends().values():
        backend.forget_kernels()
