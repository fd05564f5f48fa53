"""The roofs of this machine: how many multiply-adds a second, and how many bytes, and what share a line reaches.

An operation takes at least the time of its multiply-adds at the one rate, and at least that of its bytes at the other:
the nearer roof is the longer of the two times.

References
----------
Williams, Waterman and Patterson, "Roofline: an insightful visual performance model for multicore architectures",
Communications of the ACM 52 (4), 2009. McCalpin, "Memory bandwidth and machine balance in current high performance
computers", 1995: STREAM, whose kernel Add measures the memory here.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from minivision.bench.work import Work

SIDE = 512  # of the matrices, on one thread: a product takes less than a time slice of a busy machine
SECONDS, MIN_CALLS = 0.6, 4  # of each measurement, of which the best call counts
PIECES = 8  # of the arrays of the memory roof, on one thread: one is added at a time, for the same reason
TIMES_CACHE = 4  # an array of the memory roof is so many times as large as the last-level cache,
SMALLEST, LARGEST = 128 << 20, 512 << 20  # within these bytes
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
_CACHES = "/sys/devices/system/cpu/cpu0/cache"  # Linux
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclasses.dataclass(frozen=True)
class Roof:
    """What this machine can do at most in a second, in float32, as measured.

    Attributes
    ----------
    blas, tile : float
        Multiply-adds of a matrix product by NumPy's BLAS, and by our own register tile. ``blas`` is NaN if its process
        failed.
    bandwidth : float
        Bytes read and written when two arrays are added to a third one.
    side, array_bytes, cache_bytes : int
        Rows of a matrix; sizes of one of these arrays and of the last-level cache (0: the system does not tell).
    """

    blas: float
    tile: float
    bandwidth: float
    side: int
    array_bytes: int
    cache_bytes: int

    @property
    def multiply_adds(self) -> float:
        """The arithmetic roof: the higher rate of the two."""
        return float(np.fmax(self.blas, self.tile))

    def seconds(self, work: Work) -> float:
        """Return the shortest time for this work: that of the nearer roof."""
        return max(work.multiply_adds / self.multiply_adds, work.bytes / self.bandwidth)

    def is_arithmetic(self, works: Sequence[Work]) -> bool:
        """Return whether the arithmetic roof is the nearer one of all this work together."""
        total = sum(work.multiply_adds for work in works) / self.multiply_adds
        return total > sum(work.bytes for work in works) / self.bandwidth

    def share(self, works: Sequence[Work], seconds: float) -> float:
        """Return the share of the nearer roof that is reached: the shortest time of all operations over their time."""
        return sum(map(self.seconds, works)) / seconds

    def lines(self) -> list[str]:
        """Return what to print at the top of a table."""
        cache = f"a last-level cache of {self.cache_bytes / 2**20:.0f} MiB" if self.cache_bytes else "no known cache"
        return [
            f"roofs: {self.multiply_adds / 1e9:.1f} G multiply-adds/s (matrices of {self.side} x {self.side}: "
            f"NumPy's BLAS {self.blas / 1e9:.1f}, own tile {self.tile / 1e9:.1f}), {self.bandwidth / 1e9:.1f} GB/s",
            f"       (two arrays of {self.array_bytes / 2**20:.0f} MiB added to a third, beside {cache})",
        ]

    def as_json(self) -> dict[str, Any]:
        """Return the measurements and the arithmetic roof; a rate that is not known is None."""
        known = {name: None if value != value else value for name, value in dataclasses.asdict(self).items()}
        return {"multiply_adds": self.multiply_adds, **known}


def measure_roof(threads: int) -> Roof:
    """Measure both roofs, in about three seconds.

    Parameters
    ----------
    threads : int
        Number of threads of all measurements; Numba's is set already.
    """
    cache = last_level_cache()
    array_bytes = min(max(TIMES_CACHE * cache, SMALLEST), LARGEST)
    side = SIDE * round(threads ** (1 / 3))  # equal work for each thread
    return Roof(
        _blas_rate(side, threads), _tile_rate(side), memory_rate(array_bytes, threads), side, array_bytes, cache
    )


def last_level_cache() -> int:
    """Return the size of the largest cache in bytes; 0 where the system does not tell."""
    sizes = [0]
    for file in pathlib.Path(_CACHES).glob("index*/size"):
        try:
            text = file.read_text(encoding="ascii").strip()
            sizes.append(int(text.rstrip("KMG")) * _UNITS.get(text[-1:], 1))
        except (OSError, ValueError):
            continue
    return max(sizes)


def best_seconds(function: Callable[[], Any]) -> float:
    """Return the shortest time of a call, after one that is not measured: other load makes calls only longer."""
    function()
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(times) < MIN_CALLS or time.perf_counter() < end:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def blas_seconds(side: int) -> float:
    """Return the time of a matrix product by NumPy."""
    a, b = _matrices(side)
    return best_seconds(lambda: a @ b)


def _blas_rate(side, threads):
    """Measure NumPy's BLAS in a process of its own: its number of threads is read when it starts, and they spin."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    code = f"from minivision.bench.roof import blas_seconds; print(blas_seconds({side}))"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    return side**3 / float(done.stdout) if done.returncode == 0 else float("nan")


def _tile_rate(side):
    from minivision.kernels.numba.engine.matrix_product import matrix_product

    a, b = _matrices(side)
    return side**3 / best_seconds(lambda: matrix_product(a, b))


def _matrices(side):
    rng = np.random.default_rng(0)
    return rng.random((side, side), np.float32), rng.random((side, side), np.float32)


def memory_rate(array_bytes: int, threads: int) -> float:
    """Return the bytes read and written in a second when two arrays are added to a third, a part by each thread.

    One piece after the other is added. When its turn comes again, the other pieces have taken its place in the caches.
    """
    pieces = max(1, PIECES // threads)
    numbers = array_bytes // 4 // (pieces * threads)  # of a part
    arrays = [np.ones((pieces, threads, numbers), np.float32) for _ in range(3)]
    turns = itertools.cycle(zip(*arrays, strict=True))
    with ThreadPoolExecutor(threads) as pool:  # NumPy lets other threads run while it adds
        seconds = best_seconds(lambda: list(pool.map(_add, *next(turns))))
    return 3 * 4 * threads * numbers / seconds


def _add(a, b, c):
    np.add(a, b, out=c)


def processor_name() -> str:
    """Return the name of the processor, as the system tells it."""
    import platform

    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
