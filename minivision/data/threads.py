"""Calling a function in several threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from minivision.core.progress import progress_bar

__all__ = ["map_in_threads"]

T = TypeVar("T")
R = TypeVar("R")


def map_in_threads(
    function: Callable[[T], R], items: Iterable[T], *, threads: int | None = None, progress: bool = False
) -> Iterator[R]:
    """Yield ``function(item)`` in order, on several cores while `function` runs without Python's lock.

    The threads are only a few items ahead of the caller.

    Parameters
    ----------
    function : callable
    items : sequence
    threads : int, optional
        By default one for each core that this process may use.
    progress : bool
        Whether to show a progress bar.

    Yields
    ------
    result : object
        What `function` returns for one item.
    """
    items = list(items)
    if threads is None:
        threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield from map(function, items[:1])  # compiles and loads what is needed, once
    size = max(1, min(16, len(items) // (2 * threads)))  # enough at once to be worth it, and work for every thread
    chunks = [items[start : start + size] for start in range(1, len(items), size)]
    ahead = 2 * threads  # chunks: no thread waits for work, and few results wait for their use
    waiting: deque[Future[list[R]]] = deque()
    with (
        ThreadPoolExecutor(threads) as pool,
        progress_bar(total=len(chunks), unit_scale=size, unit="image", leave=False, disable=not progress) as bar,
    ):
        try:
            for number in range(len(chunks) + ahead):
                if number < len(chunks):
                    waiting.append(pool.submit(lambda chunk: [function(item) for item in chunk], chunks[number]))
                if number >= ahead:
                    yield from waiting.popleft().result()
                    bar.update()
        finally:
            for future in waiting:  # after an error
                future.cancel()
