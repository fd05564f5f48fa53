"""Ranks: the processes of one training that share its batches, and sums over all of them.

A training with N ranks divides each batch into N parts of one size. Rank r computes losses and gradients of part r, and
the *mean over the ranks* of the gradients moves the parameters, which are the same on all ranks.

Whatever is added up is added in the order of the ranks, so the same ranks get the same bits in every run, whichever
message arrives first. MPI's own ``MPI_Allreduce`` does not promise that: its standard lets it change the order.

A program that is started alone is the only rank. All functions here then return at once, and nothing is imported.

Global state
------------
``_current`` : the ranks that share the work of the current context (thread).
"""

from __future__ import annotations

import contextlib
import contextvars
import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from minivision.core.devices import on_host
from minivision.core.types import Array

T = TypeVar("T")

# What launchers tell each process that they start: MPICH, Intel MPI and Slurm (PMI); Open MPI; others (PMIx).
LAUNCHERS = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK")
SMALL = 8192  # bytes; of so few, each rank sends all to every other, since what takes time is the number of messages


class Trade:
    """Arrays that are on their way between the ranks, see :meth:`Ranks.begin_trade`."""

    def is_done(self) -> bool:
        """Return whether all arrays have come and gone; do not wait."""
        raise NotImplementedError(f"{type(self).__name__} does not say when it is done")

    def wait(self) -> None:
        """Wait until all arrays have come and gone."""
        raise NotImplementedError(f"{type(self).__name__} cannot wait")


class Ranks:
    """The ranks of a training, seen from one of them. This class is a process alone; a subclass defines `begin_trade`.

    All ranks must call the same methods in the same order, since each waits for the others.

    Attributes
    ----------
    rank, size : int
        The number of this process, from 0, and how many there are.
    on_host : int
        How many of them run on this machine.
    overlaps : bool
        Whether gradients are sent while the backward pass goes on: where they cross a cable. Within a machine the cores
        that compute them copy them too, and nothing is saved.
    """

    rank: int = 0
    size: int = 1
    on_host: int = 1
    overlaps: bool = False

    def begin_trade(self, sent: Sequence[Array], received: Sequence[Array], tag: int = 0) -> Trade:
        """Begin to send an array to each rank, and to fill an array with what each rank sends to this one.

        Parameters
        ----------
        sent, received : sequence of ndarray
            One for each rank, also for this one, on the host and contiguous. Rank q's ``sent[r]`` has as many bytes as
            rank r's ``received[q]``; of an empty array no message is sent. They stay as they are until it is done.
        tag : int
            Trades with one tag begin in the same order on all ranks; those with others, in any order.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how its ranks send arrays to each other")

    def trade(self, sent: Sequence[Array], received: Sequence[Array]) -> None:
        """Send an array to each rank, receive one from each, and wait for them; see :meth:`begin_trade`.

        Raises
        ------
        TimeoutError
            When a rank does not answer.
        """
        self.begin_trade(sent, received).wait()

    def let_first_speak(self) -> None:
        """Let rank 0 print its message first, before this one fails. A process alone is the first."""

    def end_all(self, code: int) -> None:
        """End the processes of all ranks, which else would wait for this one. A process alone goes on."""

    # ---- what all ranks get ------------------------------------------------------------------------------------

    def gather(self, array: Array) -> list[Array]:
        """Return the arrays of all ranks, in their order; all have one shape and dtype."""
        if self.size == 1:
            return [array]
        array = np.ascontiguousarray(array)
        received = [np.empty_like(array) for _ in range(self.size)]
        self.trade([array] * self.size, received)
        return received

    def sum(self, array: Array) -> Array:
        """Return the sum of the arrays of all ranks: the same bits on every rank, and in every run.

        Each rank adds up one part of the arrays, in the order of the ranks, and sends the sum to all. So a rank sends
        and receives ``2 (N - 1) / N`` times the array, however many ranks there are.

        Parameters
        ----------
        array : ndarray of shape (n,)
            On the host; of one length and dtype on all ranks.

        Returns
        -------
        sum : ndarray of shape (n,)
        """
        if self.size == 1:
            return array
        if array.nbytes <= SMALL:
            return _added_in_order(self.gather(array))
        return SumUnderWay(self, array).wait()

    def sum_number(self, number: float) -> float:
        """Return the sum of a number over all ranks, in float64; a process alone returns the number itself."""
        return number if self.size == 1 else float(self.sum(np.array([number], np.float64))[0])

    def any(self, condition: bool) -> bool:
        """Return whether a condition holds on some rank."""
        return bool(self.sum_number(condition))

    def broadcast(self, array: Array) -> Array:
        """Return the array of rank 0; that of the others says only its shape and dtype."""
        if self.size == 1:
            return array
        nothing = array.reshape(-1)[:0]
        sent, received = [nothing] * self.size, [nothing] * self.size
        if self.rank == 0:
            sent = [np.ascontiguousarray(array)] * self.size
            received = [np.empty_like(array), *received[1:]]
        else:
            received = [np.empty_like(array, order="C"), *received[1:]]
        self.trade(sent, received)
        return received[0]

    def number_of_first(self, number: float) -> float:
        """Return the number of rank 0, such as the time on its clock, so that all ranks come to one decision."""
        return number if self.size == 1 else float(self.broadcast(np.array([number], np.float64))[0])

    def made_by_first(self, make: Callable[[], T]) -> T:
        """Return what ``make()`` returns on rank 0, where alone it is called; any object that can be pickled."""
        if self.size == 1:
            return make()
        data = pickle.dumps(make()) if self.rank == 0 else b""
        length = int(self.number_of_first(len(data)))
        buffer = np.frombuffer(data, np.uint8) if self.rank == 0 else np.empty(length, np.uint8)
        return pickle.loads(self.broadcast(buffer).tobytes())  # from a process of this very program

    def gather_objects(self, value: Any) -> list[Any]:
        """Return the objects of all ranks, in their order; any that can be pickled."""
        if self.size == 1:
            return [value]
        data = np.frombuffer(pickle.dumps(value), np.uint8)
        lengths = [int(each[0]) for each in self.gather(np.array([len(data)], np.int64))]
        received = [np.empty(length, np.uint8) for length in lengths]
        self.trade([data] * self.size, received)
        return [pickle.loads(each.tobytes()) for each in received]

    def wait_for_all(self) -> None:
        """Wait until all ranks are here, for as long as that takes: one of them may be preparing the data."""
        if self.size > 1:
            self.gather(np.zeros(1, np.uint8))


class SumUnderWay:
    """The sum of the arrays of all ranks, as :meth:`Ranks.sum` adds them up, but begun without waiting for its end.

    Parameters
    ----------
    ranks : Ranks
        Two at least.
    array : ndarray of shape (n,)
        On the host; it stays as it is until the sum is complete.
    tag : int
        See :meth:`Ranks.begin_trade`.
    """

    def __init__(self, ranks: Ranks, array: Array, tag: int = 0) -> None:
        self._ranks, self._tag = ranks, tag
        array = np.ascontiguousarray(array)
        self._total = np.empty_like(array)
        self._rounds = self._trades(array)
        self._trade = next(self._rounds)

    def _trades(self, array):
        parts = np.array_split(array, self._ranks.size)
        of_all = [np.empty_like(parts[self._ranks.rank]) for _ in parts]
        yield self._ranks.begin_trade(parts, of_all, self._tag)  # part r of every rank goes to rank r
        own_sum = _added_in_order(of_all)
        yield self._ranks.begin_trade([own_sum] * len(parts), np.array_split(self._total, len(parts)), self._tag)

    def advance(self) -> bool:
        """Begin the second round if the first one is done; return whether the sum is complete, without waiting."""
        while self._trade is not None and self._trade.is_done():
            self._trade = next(self._rounds, None)
        return self._trade is None

    def wait(self) -> Array:
        """Return the sum ``(n,)``: the same bits on every rank, and in every run."""
        while self._trade is not None:
            self._trade.wait()
            self._trade = next(self._rounds, None)
        return self._total


class Echo(Ranks):
    """A rank without the others, as if each of them had what it has: for a step that it repeats to find a fault."""

    def __init__(self, ranks: Ranks) -> None:
        self.rank, self.size, self.on_host = ranks.rank, ranks.size, ranks.on_host

    def gather(self, array: Array) -> list[Array]:
        """Return the array as often as there are ranks."""
        return [array] * self.size

    def sum(self, array: Array) -> Array:
        """Return the array times the number of ranks."""
        return array * array.dtype.type(self.size)


def _added_in_order(arrays):
    total = arrays[0].copy()
    for array in arrays[1:]:
        total += array
    return total


_alone = Ranks()
_current: contextvars.ContextVar[Ranks] = contextvars.ContextVar("minivision_ranks", default=_alone)


def current_ranks() -> Ranks:
    """Return the ranks that share the work of this thread; by default this process is alone."""
    return _current.get()


@contextlib.contextmanager
def using_ranks(ranks: Ranks | None) -> Iterator[None]:
    """Let `ranks` share the work inside a ``with`` block, or with None let this process be alone."""
    token = _current.set(_alone if ranks is None else ranks)
    try:
        yield
    finally:
        _current.reset(token)


def launched_rank() -> int | None:
    """Return the number that ``mpiexec``, or another launcher of MPI, gave this process; None without a launcher."""
    given = next((os.environ[name] for name in LAUNCHERS if name in os.environ), "")
    return int(given) if given.isdigit() else None


def share_of_mean(count: float | Callable[[], float], *means: Any) -> tuple[Any, ...]:
    """Turn means over the terms of this rank into its share of the mean over the terms of all ranks.

    Parts of one batch hold unequal numbers of objects, labeled pixels or words. If each rank's mean counted the same, a
    pixel would count more where there are few. The mean over the ranks of their shares is the mean over all terms:

    ::

        1     size * count_r     sum_r        sum of all terms
        ----  sum of ----------- * ------- = -------------------
        size  r   sum of counts    count_r    number of all terms

    Parameters
    ----------
    count : float or callable
        How many terms of this rank there are, or the sum of their weights; or a function that returns it, which a
        process alone does not call.
    *means : number or ndarray
        A mean loss, its gradients.

    Returns
    -------
    shares : tuple
        A number or array for each of `means`.

    Examples
    --------
    >>> from minivision.core.ranks import share_of_mean
    >>> share_of_mean(3, 0.5)  # a process alone: all of the mean is its own
    (0.5,)
    """
    ranks = current_ranks()
    if ranks.size == 1:
        return means
    count = count() if callable(count) else count
    total = ranks.sum_number(count)
    factor = ranks.size * count / total if total else 1.0
    return tuple(mean * factor for mean in means)


def generators_of_images(rng: np.random.Generator, count: int) -> list[np.random.Generator]:
    """Return a generator of random numbers for each of the images of this rank, on which all that is drawn depends.

    What is drawn for an image so depends on its place in the whole batch, not on the images before it, nor on how many
    ranks share the batch.

    Parameters
    ----------
    rng : numpy.random.Generator
        In the same state on all ranks. One number is drawn from it.
    count : int
        Images on this rank; on every rank as many.

    Returns
    -------
    list of numpy.random.Generator
    """
    base, first = int(rng.integers(2**63)), current_ranks().rank * count
    return [np.random.default_rng([base, first + n]) for n in range(count)]


def generator_of_rank(rng: np.random.Generator) -> np.random.Generator:
    """Return a generator for draws that belong to no image; on each rank its own, and `rng` itself for one alone."""
    ranks = current_ranks()
    return rng if ranks.size == 1 else np.random.default_rng([int(rng.integers(2**63)), ranks.rank])


def sum_on_host(array: Array) -> Array:
    """Return the sum over the ranks of an array of any shape, on the host."""
    array = on_host(array)
    return current_ranks().sum(array.reshape(-1)).reshape(array.shape)
