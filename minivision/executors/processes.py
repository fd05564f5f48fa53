"""Work in several processes of this machine."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Collection, Iterable
from typing import Any

from minivision.core.parent_watch import end_with_parent
from minivision.executors.executor import Failure, Remote, attempt

PIECES_PER_PROCESS = 3  # one that is computed, and some that wait in the pipe

_function: Callable[[Any], Any] | None = None  # in a worker: what it was started for


class Processes(Remote):
    """Does the work in processes with one Numba thread each, which live as long as a call of `map_unordered`.

    They are spawned, not forked: a fork of a process with threads may hang. So a program that uses them needs the usual
    ``if __name__ == "__main__":``. They end with this process, however it ends, and at once when a call ends early.

    Parameters
    ----------
    jobs : int
        Number of processes.
    """

    def __init__(self, jobs: int) -> None:
        if jobs < 1:
            raise ValueError(f"jobs: expected at least 1 process, got {jobs}")
        self.jobs = jobs

    def _begin(self, function: Callable[[Any], Any]) -> None:
        self._others = multiprocessing.active_children()
        self._pool = concurrent.futures.ProcessPoolExecutor(
            self.jobs, multiprocessing.get_context("spawn"), begin_process, (function,)
        )

    def _capacity(self) -> int:
        return PIECES_PER_PROCESS * self.jobs

    def _start(self, piece: Any) -> Any:
        with _killed_is_an_os_error():
            return self._pool.submit(do_piece, piece)

    def _wait(self, running: Collection[Any]) -> Iterable[Any]:
        return concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED).done

    def _result(self, ticket: Any) -> tuple[Any, Failure | None]:
        with _killed_is_an_os_error():
            return ticket.result()

    def _cancel(self, running: Collection[Any]) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process not in self._others:
                process.terminate()  # a piece may take minutes

    def _end(self) -> None:
        self._pool.shutdown()


@contextlib.contextmanager
def _killed_is_an_os_error():
    try:
        yield
    except concurrent.futures.BrokenExecutor as error:
        raise OSError("a process was killed, perhaps by lack of memory; run the same again to continue") from error


def begin_process(function: Callable[[Any], Any] | None = None) -> None:
    """Begin a worker: one core, Ctrl-C left to the parent process, and an end with it."""
    global _function
    end_with_parent()
    os.environ["NUMBA_NUM_THREADS"] = "1"
    with contextlib.suppress(ImportError):
        import numba

        numba.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _function = function


def do_piece(piece: Any) -> tuple[Any, Failure | None]:
    """Do a piece in a worker."""
    assert _function is not None
    return attempt(_function, piece)
