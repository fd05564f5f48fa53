"""Compare the running times of functions on a machine with other load."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

PAUSE = 0.02  # seconds for the threads of the previous peer to stop spinning on the cores
WARM_UP = 0.01


def interleaved_medians(peers: dict[str, Callable], *, rounds: int = 7, seconds: float = 0.05) -> dict[str, float]:
    """Time functions in turns, and return the median time of each.

    Because of the turns, other load on the machine slows all functions down alike. Each turn begins with a pause and a
    warm-up that are not timed.

    Parameters
    ----------
    peers : dict of str to callable
        Functions without arguments.
    rounds : int
        Number of turns of each function.
    seconds : float
        Length of a turn.

    Returns
    -------
    medians : dict of str to float
        Seconds of one call of each function.
    """
    times: dict[str, list[float]] = {name: [] for name in peers}
    for function in peers.values():  # compile, and fill caches of plans
        function()
        function()
    for _ in range(rounds):
        for name, function in peers.items():
            time.sleep(PAUSE)
            end = time.perf_counter() + WARM_UP
            function()
            while time.perf_counter() < end:
                function()
            end = time.perf_counter() + seconds
            while True:
                start = time.perf_counter()
                function()
                stop = time.perf_counter()
                times[name].append(stop - start)
                if stop > end:
                    break
    return {name: statistics.median(taken) for name, taken in times.items()}
