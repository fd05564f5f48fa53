"""The time of a student's process: its processor time, since a busy machine must not cost points."""

import pathlib
import select
import time

from minivision.homework.messages import NoAnswerError

# By the clock a process may take this many times its limit, if others keep the processor from it or it sleeps.
PATIENCE = 10
LONGEST_WAIT = 1.0  # seconds between two looks at the processor time


class TimeBudget:
    """The processor time that all calls of a process may take together.

    Parameters
    ----------
    seconds : float
    session : int
        Id of the process. If it began a session, its children there count too. Where the system does not tell
        processor times (only Linux does), the clock counts.

    Attributes
    ----------
    used : float
        Seconds that were used up; by the clock, as long as this is less than the limit.
    """

    def __init__(self, seconds, session):
        self.seconds, self.session = seconds, session
        self.used, self._waited = 0.0, 0.0
        self._before = processor_seconds(session)

    def wait(self, reader):
        """Wait until something can be read.

        Parameters
        ----------
        reader : int or socket

        Raises
        ------
        NoAnswerError
            If the time is used up.
        """
        ready = []
        while not ready:
            start = time.monotonic()
            ready, _, _ = select.select([reader], [], [], min(LONGEST_WAIT, max(self.seconds - self.used, 0.05)))
            self.spend(time.monotonic() - start)

    def spend(self, seconds):
        """Note that a time has passed by the clock; raise NoAnswerError if the time is used up."""
        self.used, self._waited = self.used + seconds, self._waited + seconds
        if self.used < self.seconds:
            return
        now = processor_seconds(self.session)
        if now is not None and self._before is not None:  # others may have had the processor
            self.used = min(self.used, now - self._before)
        if self.used >= self.seconds or self._waited >= PATIENCE * self.seconds:
            raise NoAnswerError("no answer in time")


def processor_seconds(session):
    """Return the processor time of a process and of those in its session, or None where the system does not tell."""
    try:
        ticks = [_ticks(path, session) for path in pathlib.Path("/proc").iterdir() if path.name.isdigit()]
    except OSError:
        return None
    return sum(ticks) / _TICKS_PER_SECOND if any(ticks) else None


_TICKS_PER_SECOND = 100  # USER_HZ, the same for all programs on Linux


def _ticks(path, session):
    """Return the processor time of a process and its ended children, in ticks; 0 for one of another session."""
    try:
        fields = (path / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:  # it has ended
        return 0
    return sum(map(int, fields[11:15])) if str(session) in (fields[3], path.name) else 0
