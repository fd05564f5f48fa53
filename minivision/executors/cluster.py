"""Work on the machines of a Dask cluster, whose scheduler and workers were started by their own commands.

The client, which is this process, reads all files and writes all files: pieces carry the contents of what they are
about, and results come back as values. So the machines need no common disk. What a worker did when it died is done
again by another one, and each piece has one outcome.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import re
import time
from collections.abc import Callable, Collection, Iterable
from typing import Any

from minivision.executors.executor import Failure, Remote, Reply
from minivision.executors.versions import differences, versions
from minivision.executors.worker import CancelledError, WrongVersionError, do_piece, is_cancelled

PIECES_PER_WORKER = 2  # one that is computed, and one that waits for it at the worker
SECONDS = 20.0  # to wait for the scheduler, and for a first worker
LOOK_SECONDS = 5.0  # between two looks whether there are workers

logger = logging.getLogger("minivision")


class Cluster(Remote):
    """Does the work on a Dask cluster.

    Before any work the versions of the scheduler and of all workers are compared with those of this process, and those
    of a worker that comes later when it begins.

    Parameters
    ----------
    address : str
        Of the scheduler: ``tcp://HOST:PORT``, or ``tls://HOST:PORT`` with Dask's own settings for certificates.
    seconds : float
        How long to wait for the scheduler, and for a first worker.

    Raises
    ------
    ValueError
        If the address is none, Dask is not installed, or the address needs certificates and Dask knows none.
    """

    def __init__(self, address: str, *, seconds: float = SECONDS) -> None:
        if not re.fullmatch(r"(tcp|tls)://[^/\s]+:\d+", address):
            raise ValueError(f"--scheduler: expected tcp://HOST:PORT, got {address!r}")
        try:
            import dask
            import distributed
        except ImportError as error:
            reason = f"--scheduler needs Dask, which cannot be imported ({error}): pip install 'minivision[dask]'"
            raise ValueError(reason) from error
        if address.startswith("tls") and not dask.config.get("distributed.comm.tls.ca-file", None):
            raise ValueError(
                f"--scheduler: {address} needs certificates, and Dask's settings name none; write them into a file, "
                "and its path into the environment variable DASK_CONFIG (docs/cluster.md)"
            )
        self.address, self.seconds = address, seconds
        self._dask, self._config = distributed, dask.config

    def __enter__(self) -> Cluster:
        """Connect, and compare the versions.

        Raises
        ------
        OSError
            If no scheduler answers, or it has no workers.
        ValueError
            If the scheduler or a worker has other versions.
        """
        # Dask's tracebacks of a lost connection, which come late, would stand among ours, which say it in a sentence.
        logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
        try:
            self._client = self._dask.Client(self.address, timeout=self.seconds, set_as_default=False)
        except OSError as error:
            reason = f"no Dask scheduler answers at {self.address}; one is started by: dask scheduler"
            raise OSError(f"{reason} ({error})" if self.address.startswith("tls") else reason) from error
        try:
            self._compare_versions(self._wait_for_workers())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._client.close(timeout=2)

    def run_on_workers(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """Call a function once on each worker, beside its pieces.

        Returns
        -------
        results : dict
            By the worker's address, what the function returned, or the exception that it raised.
        """
        return self._client.run(function, *arguments, on_error="return")

    def _wait_for_workers(self):
        """Return the number of threads of each worker by its address."""
        end = time.monotonic() + self.seconds
        while not (workers := self._client.nthreads()):
            if time.monotonic() > end:
                raise OSError(f"the scheduler at {self.address} has no workers; add one: dask worker {self.address}")
            time.sleep(0.1)
        return workers

    def _compare_versions(self, workers):
        here = versions()
        found = {f"the worker {address}": there for address, there in self.run_on_workers(versions).items()}
        try:
            found["the scheduler"] = self._client.run_on_scheduler(versions)
        except Exception as error:
            found["the scheduler"] = error
        wrong = {who: _difference(here, there) for who, there in found.items()}
        wrong = {who: difference for who, difference in wrong.items() if difference}
        if wrong:
            who, difference = next(iter(wrong.items()))
            more = f", and {len(wrong) - 1} more differ" if len(wrong) > 1 else ""
            raise ValueError(f"{who} has {difference}{more}; install the same versions everywhere, and start it again")
        numbers = sorted(set(workers.values()))
        if len(numbers) > 1:
            logger.warning(
                "Workers have different numbers of threads (%s), so what is trained on them differs in the last digits",
                ", ".join(map(str, numbers)),
            )
        if numbers[-1] > 1:
            logger.info(
                "A worker takes one piece at a time, with all of its threads; for as many pieces as cores start it by: "
                "dask worker %s --nworkers CORES --nthreads 1",
                self.address,
            )

    def _begin(self, function: Callable[[Any], Any]) -> None:
        self._versions = versions()
        # A task, not scattered data, which would be lost with the worker that has them.
        with self._quiet():
            self._function = self._client.submit(pickle.loads, pickle.dumps(function), pure=False)

    def _capacity(self) -> int:
        return PIECES_PER_WORKER * max(1, len(self._threads()))

    def _threads(self):
        with self._gone_is_an_os_error():
            return self._client.nthreads()

    def _start(self, piece: Any) -> Any:
        with self._gone_is_an_os_error(), self._quiet():
            return self._client.submit(do_piece, self._function, self._versions, piece, pure=False)

    def _wait(self, running: Collection[Any]) -> Iterable[Any]:
        told = False
        while True:
            with self._gone_is_an_os_error(), self._client.as_current():
                try:
                    return self._dask.wait(list(running), LOOK_SECONDS, "FIRST_COMPLETED").done
                except TimeoutError:
                    pass
            if not told and not self._threads():
                logger.warning("No worker is left; the work goes on when there is one: dask worker %s", self.address)
                told = True

    def _reply(self, ticket: Any) -> Reply:
        with self._gone_is_an_os_error():
            try:
                return ticket.result()
            except self._dask.KilledWorker as error:
                times = error.allowed_failures + 1
                reason = f"each of {times} workers died of it, perhaps by lack of memory"
                return Reply(None, Failure(type(error).__name__, reason, str(error)))
            except WrongVersionError as error:
                raise ValueError(str(error)) from error

    def _cancel(self, running: Collection[Any]) -> None:
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._client.cancel([*running, self._function])

    def _end(self) -> None:
        self._function.release()

    @contextlib.contextmanager
    def _gone_is_an_os_error(self):
        try:
            yield
        except (self._dask.CancelledError, OSError) as error:
            raise OSError(f"the scheduler at {self.address} is gone; run the same again to continue") from error

    def _quiet(self):
        """Return a context without Dask's advice about large arguments: what is large is sent once."""
        return self._config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})


def _difference(here, there):
    """Return what a process has otherwise, given its versions or the exception that came instead; empty if nothing."""
    if not isinstance(there, Exception):
        return differences(here, there)
    # AttributeError: an older minivision has the module. Older Dask returns an Exception with the text of the real one.
    as_text = str(there).startswith(("ModuleNotFoundError(", "ImportError(", "AttributeError("))
    if as_text or isinstance(there, (ImportError, AttributeError)):
        return "no minivision, or one of another version"
    return f"not told its versions ({type(there).__name__}: {there})"


def stop_if_cancelled() -> None:
    """Raise CancelledError in a piece of work on a cluster whose client is gone, or has cancelled it.

    Elsewhere nothing happens. Dask does not interrupt what a worker has begun, so long work calls this now and then.
    """
    if is_cancelled():
        raise CancelledError("the client has cancelled this piece, or is gone")
