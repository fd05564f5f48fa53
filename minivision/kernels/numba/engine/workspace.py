"""Memory that kernels write their blocks into, kept from call to call.

Fresh memory costs more than it seems: the system hands out pages of zeros one by one, at their first use, and a kernel
that must not compute on leftovers would clear it once more. So each Python thread keeps what its largest call needed,
a few megabytes.

Global state
------------
``_kept`` : the arrays of each Python thread, by dtype; they live as long as the thread.
"""

import threading

import numpy as np

from minivision.core.compile import jit

_kept = threading.local()


def workspace(threads, size, dtype):
    """Return an array (threads, at least `size`), zeros at first and then what the call before left there."""
    arrays = _kept.__dict__
    kept = arrays.get(dtype)
    if kept is None or kept.shape[0] < threads or kept.shape[1] < size:
        # Whole pages, so that no two threads share a line of the cache.
        kept = arrays[dtype] = np.zeros((threads, -(-size // 1024) * 1024), dtype)
    return kept


@jit
def take(space, size):
    """Divide an array in two: the first `size` numbers, and the rest."""
    return space[:size], space[size:]
