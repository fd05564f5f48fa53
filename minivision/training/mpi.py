"""Training by several processes, which ``mpiexec`` starts on one or more machines: MPI carries what they add up.

::

    mpiexec -n 4 minivision train ...          the command does all of the following itself

    with mpi_ranks():                          a script of one's own, started by mpiexec
        train(model, dataset, settings, steps=1000)

mpi4py is imported here and nowhere else, and only inside of `mpi_ranks`. Each waits for the others in `MPITrade.wait`.
A rank that fails ends them all; one that says nothing for long is named, and ends them all too.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import os
import socket
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from minivision.core.ranks import Ranks, Trade, using_ranks
from minivision.core.types import Array

PATIENCE = "MINIVISION_PATIENCE"  # environment variable: seconds that a rank waits for another before it gives up
DEFAULT_PATIENCE = 300.0
WHILE_PREPARING = 4 * 3600.0  # the same, while one of them may be preparing the data
YIELDING = 1.0  # seconds of waiting after which a rank looks only a thousand times a second whether others have come
GRACE = 1.0  # seconds by which other ranks let rank 0 speak first, since all may have the same to say

logger = logging.getLogger("minivision")


@contextlib.contextmanager
def mpi_ranks() -> Iterator[Ranks]:
    """Make the processes that mpiexec started the ranks of all trainings inside a ``with`` block, and say how many.

    The cores of a machine are shared by the ranks on it: unless ``NUMBA_NUM_THREADS`` is set, kernels use as many
    threads as each rank has cores. An exception that leaves the block is printed, and ends all ranks.

    Yields
    ------
    ranks : Ranks

    Raises
    ------
    ValueError
        When mpi4py or an MPI library is missing.
    """
    ranks = MPIRanks(_require_mpi())
    _share_cores(ranks)
    description = ranks.describe()
    if ranks.rank == 0:
        logger.info(description)
    with using_ranks(ranks):
        try:
            yield ranks
        except BaseException as error:
            if ranks.size == 1 or isinstance(error, SystemExit) and not error.code:
                raise
            ranks.let_first_speak()
            print(f"rank {ranks.rank} failed:", file=sys.stderr)
            traceback.print_exc()
            ranks.end_all(1)


def _require_mpi():
    advice = "pip install 'minivision[mpi]' brings both (mpi4py, and MPICH with its mpiexec)"
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise ValueError(
            f"training with several processes needs mpi4py and an MPI library: {error}; {advice}"
        ) from None
    except RuntimeError as error:  # mpi4py found no library
        raise ValueError(f"mpi4py finds no MPI library: {error}; {advice}") from None
    return MPI


class MPIRanks(Ranks):
    """The processes of ``MPI_COMM_WORLD``, with their own communicator.

    Parameters
    ----------
    MPI : module
        ``mpi4py.MPI``.
    patience : float, optional
        Seconds that this rank waits for another; by default ``MINIVISION_PATIENCE``, else 300.

    Attributes
    ----------
    threads : int
        Threads that kernels use on this rank.
    """

    def __init__(self, MPI: Any, patience: float | None = None) -> None:
        self.MPI, self.comm = MPI, MPI.COMM_WORLD.Dup()
        self.rank, self.size = self.comm.rank, self.comm.size
        self.on_host = self.comm.Split_type(MPI.COMM_TYPE_SHARED).size
        self.overlaps = self.on_host < self.size
        self.patience = _patience() if patience is None else patience
        self.threads = 1

    def begin_trade(self, sent: Sequence[Array], received: Sequence[Array], tag: int = 0) -> MPITrade:
        """Begin to send an array to each rank, and to receive one from each; see :meth:`Ranks.begin_trade`."""
        return MPITrade(self, sent, received, tag)

    def wait_for_all(self) -> None:
        """Wait until all ranks are here; see :meth:`Ranks.wait_for_all`."""
        patience, self.patience = self.patience, max(self.patience, WHILE_PREPARING)
        super().wait_for_all()
        self.patience = patience

    def describe(self) -> str:
        """Return how many ranks and threads run where: "2 ranks on 1 host (laptop), 1 thread each"."""
        hosts = collections.Counter(self.gather_objects(socket.gethostname()))
        names = ", ".join(f"{name}: {count}" for name, count in hosts.items()) if len(hosts) > 1 else "".join(hosts)
        threads = sorted(set(self.gather_objects(self.threads)))
        each = f"{' to '.join(map(str, {threads[0]: 0, threads[-1]: 0}))} thread{'s' if threads != [1] else ''} each"
        number = "1 rank" if self.size == 1 else f"{self.size} ranks"
        return f"{number} on {len(hosts)} host{'s' if len(hosts) > 1 else ''} ({names}), {each}"

    def let_first_speak(self) -> None:
        """Wait a moment on other ranks than 0, which then ends this process, if it has the same to say."""
        if self.rank > 0:
            time.sleep(GRACE)

    def end_all(self, code: int) -> None:
        """End the processes of all ranks with an exit code."""
        sys.stdout.flush()
        sys.stderr.flush()
        self.comm.Abort(code)


class MPITrade(Trade):
    """Messages that do not block: MPI moves large ones on whenever it is called, which is in `is_done` and `wait`."""

    def __init__(self, ranks: MPIRanks, sent: Sequence[Array], received: Sequence[Array], tag: int) -> None:
        self.ranks, self.received = ranks, received
        byte, comm, rank, size = ranks.MPI.BYTE, ranks.comm, ranks.rank, ranks.size
        received[rank][...] = sent[rank]
        others = [(rank + k) % size for k in range(1, size)]  # so that not all begin with rank 0
        self.sources = [q for q in others if received[q].size]
        self.requests = [comm.Irecv([received[q], received[q].nbytes, byte], q, tag) for q in self.sources]
        self.requests += [comm.Isend([sent[r], sent[r].nbytes, byte], r, tag) for r in others if sent[r].size]
        self.statuses = [ranks.MPI.Status() for _ in self.requests]

    def is_done(self) -> bool:
        """Return whether all messages have come and gone.

        Raises
        ------
        RuntimeError
            When a rank sent another number of bytes: then the ranks do not do the same.
        """
        if not self.requests:
            return True
        if not self.ranks.MPI.Request.Testall(self.requests, self.statuses):
            return False
        self.requests = []
        for q, status in zip(self.sources, self.statuses, strict=False):
            count = status.Get_count(self.ranks.MPI.BYTE)
            if count != self.received[q].nbytes:
                raise RuntimeError(
                    f"rank {q} sent {count} bytes where rank {self.ranks.rank} expected {self.received[q].nbytes}: "
                    "they are not at the same point of the same training"
                )
        return True

    def wait(self) -> None:
        """Wait until all messages have come and gone. A rank that waits lets other processes have its core.

        Raises
        ------
        TimeoutError
            When a rank has sent nothing for as many seconds as the ranks have patience.
        RuntimeError
            As `is_done`.
        """
        start = time.monotonic()
        while not self.is_done():
            waited = time.monotonic() - start
            if waited > self.ranks.patience:
                silent = [q for q, request in zip(self.sources, self.requests, strict=False) if not request.Test()]
                who = f"rank{'s' if len(silent) > 1 else ''} {', '.join(map(str, silent))}" if silent else "the others"
                raise TimeoutError(
                    f"rank {self.ranks.rank} has waited {waited:.0f} s for {who}, which may hang, or be on a machine "
                    f"that cannot be reached; {PATIENCE} sets how many seconds to wait"
                )
            time.sleep(0 if waited < YIELDING else 1e-3)


def _patience():
    text = os.environ.get(PATIENCE, "")
    try:
        seconds = float(text or DEFAULT_PATIENCE)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise ValueError(f"{PATIENCE}: expected a number of seconds above 0, got {text!r}")
    return seconds


def _share_cores(ranks):
    """Let this rank's kernels use the cores that it has, or its share of those that it has together with others.

    Launchers may bind a rank to some cores; others leave all to all.
    """
    own = _cores()
    of_host = [
        cores for host, cores in ranks.gather_objects((socket.gethostname(), own)) if host == socket.gethostname()
    ]
    share = sum(1 / sum(core in cores for cores in of_host) for core in own)
    ranks.threads = max(1, int(share + 1e-9))
    given = os.environ.get("NUMBA_NUM_THREADS", "")
    if given.isdigit() and int(given):
        ranks.threads = int(given)
    elif "numba" not in sys.modules:
        os.environ["NUMBA_NUM_THREADS"] = str(ranks.threads)  # it starts no more than these
    else:
        import numba

        ranks.threads = min(ranks.threads, numba.get_num_threads())
        numba.set_num_threads(ranks.threads)


def _cores():
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))  # macOS
