"""Timing peers fairly on a machine that is never quiet."""

import statistics
import time

PAUSE = 0.02  # seconds for the threads of the previous peer to stop spinning on the cores
WARM_UP = 0.01


def interleaved_medians(peers, *, rounds=7, seconds=0.05):
    """Time functions in turn, many times over, and return the median of each.

    Taking turns lets what slows the machine down for a while slow all of them down alike. Each turn begins with a
    pause and a warm-up that do not count.

    Parameters
    ----------
    peers : dict of str to callable
        Functions without arguments.
    rounds : int
        Turns for each.
    seconds : float
        Length of a turn.

    Returns
    -------
    dict of str to float
        Seconds a call.
    """
    times = {name: [] for name in peers}
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
