"""Measure what messages between two ranks cost; rank 0 prints it as JSON.

    mpiexec -n 2 python docs/scaling/link.py

``latency`` is the time of an exchange of eight bytes, ``bandwidth`` that of large arrays in bytes a second and
direction, ``sums`` the time of `Ranks.sum` of so many bytes, ``allreduce`` that of ``MPI_Allreduce``; medians, seconds.
"""

from __future__ import annotations

import json
import statistics
import time

import numpy as np

from minivision.training.mpi import MPIRanks, mpi_ranks

SIZES = (100_000, 1_000_000, 4_000_000)  # bytes
LARGE = 4_000_000


def seconds(ranks: MPIRanks, function, times: int) -> float:
    """Return the median time of a call on rank 0; all ranks begin it together."""
    measured = []
    for _ in range(times):
        ranks.gather(np.zeros(1))
        start = time.perf_counter()
        function()
        measured.append(time.perf_counter() - start)
    return statistics.median(measured)


def main() -> None:
    """Measure, and print."""
    with mpi_ranks() as ranks:
        assert isinstance(ranks, MPIRanks) and ranks.size == 2
        small, large = np.zeros(8, np.uint8), np.zeros(LARGE, np.uint8)
        sums, allreduce = {}, {}
        latency = seconds(ranks, lambda: ranks.gather(small), 500)
        one_way = seconds(ranks, lambda: ranks.gather(large), 30)
        for size in SIZES:
            array = np.ones(size // 4, np.float32)
            total = np.empty_like(array)
            sums[size] = seconds(ranks, lambda array=array: ranks.sum(array), 50)
            allreduce[size] = seconds(ranks, lambda a=array, t=total: ranks.comm.Allreduce(a, t), 50)
        if ranks.rank == 0:
            bandwidth = LARGE / (one_way - latency)
            print(json.dumps({"latency": latency, "bandwidth": bandwidth, "sums": sums, "allreduce": allreduce}))


if __name__ == "__main__":
    main()
