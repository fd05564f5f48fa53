"""A time limit for another process, which a busy machine does not shorten."""

import contextlib
import pathlib
import time

MAX_STRETCH = 9  # times the limit: no longer than that is waited for a processor


class Deadline:
    """A time limit that does not count for how long a process, or this one, waited for a processor; where Linux tells.

    The two take turns: one computes while the other waits for its message. So both times are added.

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
    """Return how long a process, its children and this one were ready to run, and did not.

    Reference: the kernel's ``sched-stats.rst``.
    """
    waited, processes = 0, pathlib.Path("/proc")
    with contextlib.suppress(OSError, ValueError, IndexError):
        children = (processes / str(pid) / "task" / str(pid) / "children").read_text(encoding="utf-8").split()
        for each in ("thread-self", pid, *children):
            waited += int((processes / str(each) / "schedstat").read_text(encoding="utf-8").split()[1])
    return waited / 1e9
