"""All uses of private parts of Numba.

Tested with Numba 0.60 to 0.68. If a private part is missing, the functions work without it.
"""

from __future__ import annotations

import os
from typing import Any

import numba


def start_threads() -> None:
    """Start Numba's threads such that a waiting thread soon releases its core.

    In GNU's OpenMP a waiting thread spins for milliseconds. If another program needs the core, threads that have work
    wait for those that spin, and a training step took ten times as long; on an idle machine there is no difference.
    Settings of the user are kept.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = "1000"
        numba.get_num_threads()  # starts the threads; OpenMP reads its variables only once
        del os.environ["GOMP_SPINCOUNT"]


def add_to_cache_stamp(kernel: Any, stamp: object) -> None:
    """Invalidate the cached machine code of a kernel also when `stamp` changes, not only when its file changes."""
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        index._source_stamp = (index._source_stamp, stamp)  # type: ignore[union-attr]


def cache_stamp(kernel: Any) -> Any:
    """Return the stamp of the cached machine code of a kernel, or None."""
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    return getattr(index, "_source_stamp", None)
