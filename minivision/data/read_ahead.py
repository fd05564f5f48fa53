"""Reading ahead: a thread computes the next results while the caller uses the last one."""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

__all__ = ["read_ahead"]

T = TypeVar("T")
R = TypeVar("R")

_LOOK = 0.1  # seconds between two looks whether the other side still works


def read_ahead(function: Callable[[T], R], items: Iterable[T], *, ahead: int = 2) -> Generator[R, None, None]:
    """Yield ``function(item)`` in order; a thread is up to `ahead` results before the caller.

    The thread begins when the first result is asked for. It ends with the items, with the first exception, and when the
    caller closes the generator, or forgets it, or ends with an exception such as that of Ctrl-C.

    Parameters
    ----------
    function : callable
    items : iterable
        It may be endless.
    ahead : int
        How many results wait at most; one more is being computed.

    Yields
    ------
    result : object
        What `function` returns for one item.

    Raises
    ------
    Exception
        The one that `function` or `items` raised, as it was raised in the thread, when the caller comes to its result.
    """
    results: queue.Queue = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(kind, value):
        """Put a result into the queue; return whether the caller still wants some."""
        while not stopped.is_set():
            try:
                results.put((kind, value), timeout=_LOOK)
                return True
            except queue.Full:
                continue
        return False

    def work():
        try:
            for item in items:
                if stopped.is_set() or not put("result", function(item)):
                    return
            put("end", None)
        except BaseException as error:  # the caller decides what it means
            put("error", error)

    context = contextvars.copy_context()  # of the caller: its backend
    thread = threading.Thread(target=context.run, args=(work,), name="read ahead", daemon=True)
    thread.start()
    try:
        while True:
            kind, value = _next(results, thread)
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        stopped.set()
        thread.join()


def _next(results, thread):
    """Wait for the next result; in steps, since on Windows Ctrl-C does not wake what waits without end."""
    while True:
        try:
            return results.get(timeout=_LOOK)
        except queue.Empty:
            if not thread.is_alive() and results.empty():
                raise RuntimeError("the thread that reads ahead ended without a result") from None
