"""All that touches private parts of Numba, in one file.

Seen to work with Numba 0.60 to 0.68. Where a private part is missing, each function does without it.
"""

import os

import numba


def start_threads():
    """Start Numba's threads so that a waiting thread gives up its core soon.

    GNU's OpenMP lets a waiting thread spin for milliseconds. Where another program wants the core too, the thread it
    waits for then waits for the spinning one, and a training step took ten times as long; on a quiet machine it makes
    no difference. What the user has set stays.
    """
    if not {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = "1000"
        numba.get_num_threads()  # starts them, and OpenMP reads its variables once
        del os.environ["GOMP_SPINCOUNT"]


def add_to_cache_stamp(kernel, stamp):
    """Make the cached machine code of a kernel stale when `stamp` changes, not only when its own file does."""
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    if hasattr(index, "_source_stamp"):
        index._source_stamp = (index._source_stamp, stamp)


def cache_stamp(kernel):
    """Return the stamp of a kernel's cached machine code, or None."""
    index = getattr(getattr(kernel, "_cache", None), "_cache_file", None)
    return getattr(index, "_source_stamp", None)
