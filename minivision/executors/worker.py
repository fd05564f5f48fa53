"""What runs on a worker of a Dask cluster."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from minivision.executors.executor import Failure, attempt
from minivision.executors.versions import differences, versions

_ONE_AT_A_TIME = threading.Lock()  # Numba's threads serve one caller at a time, and a layer remembers one pass


class WrongVersionError(Exception):
    """This worker would compute with other versions than the client."""


class CancelledError(Exception):
    """The piece that is computed was cancelled."""


def do_piece(function: Callable[[Any], Any], expected: dict[str, str], piece: Any) -> tuple[Any, Failure | None]:
    """Do a piece, on as many threads as the worker has.

    Raises
    ------
    WrongVersionError
        If the versions here are not the expected ones: workers may come after the client has compared them.
    """
    from distributed import get_worker

    worker = get_worker()
    difference = differences(expected, versions())
    if difference:
        raise WrongVersionError(f"the worker {worker.address}, which came later, has {difference}")
    with _ONE_AT_A_TIME, _numba_threads(worker.state.nthreads):
        return attempt(function, piece)


@contextlib.contextmanager
def _numba_threads(count):
    """Compute with so many of Numba's threads; this number is one of the calling thread."""
    try:
        import numba
    except ImportError:
        yield
        return
    before = numba.get_num_threads()
    numba.set_num_threads(max(1, min(count, numba.config.NUMBA_NUM_THREADS)))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def is_cancelled() -> bool:
    """Return whether the task that runs in this thread of a Dask worker was cancelled; False where there is none."""
    try:
        from distributed import get_worker

        worker = get_worker()
        key = worker.get_current_task()
    except (ImportError, ValueError, KeyError):  # no Dask, no worker, or no task
        return False
    task = worker.state.tasks.get(key)
    return task is None or task.state == "cancelled"
