"""The time of a student's process: its processor time, since a busy machine must not cost points."""

import pathlib
import select
import time

from minivision.homework.messages import NoAnswerError

# By the clock a process may take this many times its limit, if others keep the processor from it.
PATIENCE = 100
LONGEST_WAIT, SHORT_WAIT = 1.0, 0.2  # seconds between two looks, before and after the limit has passed by the clock


class TimeBudget:
    """The time that all calls of a process may take together.

    At first the clock counts, which is cheap to read. When the limit has passed by the clock, it is corrected: what
    counts is the processor time, and the time for which the process is asleep, but not that for which it waits for a
    processor. Where the system does not tell (only Linux does), the clock counts.

    Parameters
    ----------
    seconds : float
    session : int
        Id of the process. If it began a session, its children there count too.

    Attributes
    ----------
    used : float
        Seconds that were used up.
    """

    def __init__(self, seconds, session):
        self.seconds, self.session = seconds, session
        self.used = 0.0
        self._waited, self._asleep, self._is_late = 0.0, 0.0, False
        self._before, _ = processor_seconds(session)
        self._last = self._before

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
            longest = SHORT_WAIT if self._is_late else min(LONGEST_WAIT, max(self.seconds - self.used, 0.05))
            start = time.monotonic()
            ready, _, _ = select.select([reader], [], [], longest)
            self.spend(time.monotonic() - start, at_work=not ready)

    def spend(self, seconds, at_work=False):
        """Note that a time has passed by the clock, for work that goes on or has ended.

        Raises
        ------
        NoAnswerError
            If the time is used up.
        """
        self.used, self._waited = self.used + seconds, self._waited + seconds
        self._is_late = self._is_late or self.used >= self.seconds
        if self._is_late and self._before is not None and (at_work or self.used >= self.seconds):
            self._correct(seconds if at_work else 0.0)
        if self.used >= self.seconds or self._waited >= PATIENCE * self.seconds:
            raise NoAnswerError("no answer in time")

    def _correct(self, passed):
        now, is_runnable = processor_seconds(self.session)
        if now is None:
            return
        if now == self._last and not is_runnable:
            self._asleep += passed
        self._last = now
        self.used = min(self.used, now - self._before + self._asleep)


def processor_seconds(session):
    """Return what a process and those in its session do.

    Returns
    -------
    seconds : float or None
        Their processor time; None where the system does not tell.
    is_runnable : bool
        Whether one of them computes, or waits for a processor.
    """
    try:
        stats = [_fields(path) for path in pathlib.Path("/proc").iterdir() if path.name.isdigit()]
    except OSError:
        return None, False
    stats = [fields for fields in stats if fields and str(session) in (fields[0], fields[4])]
    if not stats:
        return None, False
    ticks = sum(int(ticks) for fields in stats for ticks in fields[12:16])  # of ended children too
    return ticks / _TICKS_PER_SECOND, any(fields[1] == "R" for fields in stats)


_TICKS_PER_SECOND = 100  # USER_HZ, the same for all programs on Linux


def _fields(path):
    """Return the id of a process, and the fields behind its name: its state, parent, group, session, and so on."""
    try:
        return [path.name, *(path / "stat").read_text(errors="replace").rpartition(")")[2].split()]
    except OSError:  # it has ended
        return None
