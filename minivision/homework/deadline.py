"""A time limit for another process, which a busy machine does not shorten."""

import contextlib
import pathlib
import time

MAX_STRETCH = 9  # times the limit: no longer than that is waited for a processor


class Deadline:
    """A time limit that does not count the time for which a process waited for a processor, where Linux tells it.

    Parameters
    ----------
    seconds : float
    pid : int
        The process. What its children wait for counts too.
    """

    def __init__(self, seconds, pid):
        self.seconds, self.pid = seconds, pid
        self._start, self._waited = time.monotonic(), _seconds_waited(pid)

    def used(self):
        """Return the seconds that count so far."""
        waited = min(_seconds_waited(self.pid) - self._waited, MAX_STRETCH * self.seconds)
        return time.monotonic() - self._start - max(0.0, waited)

    def left(self):
        """Return the seconds for which to wait before looking again; 0 or less if the time is up."""
        left = self.seconds - (time.monotonic() - self._start)
        return left if left > 0 else self.seconds - self.used()


def _seconds_waited(pid):
    """Return how long a process and its children were ready to run, and did not (the kernel's ``sched-stats.rst``)."""
    waited, here = 0, pathlib.Path("/proc") / str(pid)
    with contextlib.suppress(OSError, ValueError, IndexError):
        for each in (pid, *(here / "task" / str(pid) / "children").read_text().split()):
            waited += int((here.parent / str(each) / "schedstat").read_text().split()[1])
    return waited / 1e9
