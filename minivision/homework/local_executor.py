"""Runs work in processes of this machine: one that crashes, hangs or fills the memory is replaced, the others go on.

:class:`minivision.executors.Processes` ends all work when one of its processes is killed, since the cause is then our
own or the machine's, and the same command continues; here it is a submission, which must cost nobody else a grade. So
each call has limits of time and memory, and its process is started, ended and replaced alone, which the pool of
:mod:`concurrent.futures` that `Processes` is made of cannot do: it breaks as a whole.
"""

import concurrent.futures
import importlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time

from minivision.core.parent_watch import end_with_parent

MIN_MEMORY_BYTES = 8 << 30


class WorkerError(RuntimeError):
    """A process that ended without a result, or was stopped."""


class TimeUpError(WorkerError):
    """A process that was stopped because its call took longer than it may."""


class LocalExecutor(concurrent.futures.Executor):
    """An executor whose calls run in processes that end with this one, however it ends.

    Parameters
    ----------
    jobs : int
        Number of processes.
    seconds : float
        How long a call may take.
    """

    def __init__(self, jobs, *, seconds):
        self.seconds = seconds
        self._threads, self._of_thread = concurrent.futures.ThreadPoolExecutor(jobs), threading.local()
        self._lock, self._closed, self._workers = threading.Lock(), False, set()

    def submit(self, function, /, *args):
        """Return the future of ``function(*args)``.

        Its exception is a :class:`WorkerError` if the process failed, a :class:`TimeUpError` if its time was up.
        """
        return self._threads.submit(self._run, function, args)

    def _run(self, function, args):
        worker, start = self._worker(), time.monotonic()
        timer = threading.Timer(self.seconds, worker.kill)
        timer.daemon = True
        timer.start()
        try:
            pickle.dump((function, args), worker.stdin)
            worker.stdin.flush()
            finished, result = pickle.load(worker.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            worker.kill()
            code, late = worker.wait(), time.monotonic() - start >= self.seconds
            if late:
                raise TimeUpError(f"it was not finished after {self.seconds:g} s") from None
            raise WorkerError(f"its grader ended with exit code {code}") from None
        finally:
            timer.cancel()
        if not finished:
            raise WorkerError(result)
        return result

    def _worker(self):
        """Return the process of this thread: the one of the last call, unless that has ended."""
        worker = getattr(self._of_thread, "worker", None)
        with self._lock:
            if self._closed:
                raise concurrent.futures.CancelledError
            if worker is None or worker.poll() is not None:
                self._workers.discard(worker)
                worker = self._of_thread.worker = self._start()
                self._workers.add(worker)
        return worker

    def _start(self):
        program = f"import sys; sys.path[:] = {sys.path!r}\nfrom {__name__} import main\nmain({os.getpid()})"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        # In a session of its own, Ctrl-C does not reach it: this process ends it.
        return subprocess.Popen([sys.executable, "-c", program], start_new_session=True, **pipes)

    def shutdown(self, wait=True, *, cancel_futures=False):
        """Wait for all calls; with `cancel_futures`, end those that run, and start no other."""
        if cancel_futures:
            self._end_all()
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        if wait:
            self._end_all()

    def _end_all(self):
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.kill()
                worker.wait()


class InThisProcess(concurrent.futures.Executor):
    """An executor whose calls run at once, one after the other."""

    def submit(self, function, /, *args):
        """Return the future of ``function(*args)``, which has ended."""
        future = concurrent.futures.Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def main(parent):
    """Do the work that comes through stdin, in a process of a :class:`LocalExecutor`."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what anything prints is no answer
    _end_with(parent)
    _limit_memory()
    while True:
        try:
            function, args = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = True, function(*args)
        except Exception as error:
            answer = False, f"{type(error).__name__}: {error}"
        pickle.dump(answer, answers)
        answers.flush()


def _end_with(parent):
    if sys.platform == "linux":
        sandbox = importlib.import_module("minivision.homework.sandbox")
        sandbox.end_with(parent, signal.SIGKILL)  # at once, also in a compiled loop
    else:
        end_with_parent()


def _limit_memory():
    """Limit the memory of this process to that of the machine: a submission chooses what it computes with ours."""
    if sys.platform == "linux":
        resource = importlib.import_module("resource")
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = max(machine, MIN_MEMORY_BYTES)
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
