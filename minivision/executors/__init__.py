"""Many pieces of work: in this process, in several processes, or on the machines of a Dask cluster.

An `Executor` calls one function with many pieces, in any order, and yields each piece's result or what went wrong with
it. Functions, pieces and results cross to other processes and machines, so they must pickle, and no piece may count on
files or on what another one did. What all pieces need, such as a model, is sent once to each worker.

>>> from minivision.executors import open_executor
>>> with open_executor(jobs=1) as executor:
...     outcomes = list(executor.map_unordered(len, ["three", "pieces", "of text"]))
>>> [(outcome.piece, outcome.result) for outcome in outcomes]
[('three', 5), ('pieces', 6), ('of text', 7)]
"""

from __future__ import annotations

from minivision.executors.cluster import Cluster, stop_if_cancelled
from minivision.executors.executor import Executor, Failure, InProcess, Outcome, in_order
from minivision.executors.processes import Processes

__all__ = [
    "Cluster",
    "Executor",
    "Failure",
    "InProcess",
    "Outcome",
    "Processes",
    "in_order",
    "open_executor",
    "stop_if_cancelled",
]


def open_executor(jobs: int = 1, scheduler: str | None = None) -> Executor:
    """Return the executor for a number of processes, or for a cluster; use it in a ``with`` block.

    Parameters
    ----------
    jobs : int
        Number of processes; with 1 the work is done in this one.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://HOST:PORT``, instead.

    Returns
    -------
    executor : Executor

    Raises
    ------
    ValueError
        If the address is none, or Dask is not installed.
    """
    if scheduler is not None:
        return Cluster(scheduler)
    return InProcess() if jobs == 1 else Processes(jobs)
