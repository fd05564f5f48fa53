"""Signals that stop a training after its current step."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


class Signals:
    """Whether a signal to stop has come: ``stop``."""

    stop = False


@contextlib.contextmanager
def stop_signals() -> Iterator[Signals]:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP into ``.stop = True``; a second Ctrl-C stops at once, as usual.

    SIGHUP is what a process gets whose terminal is closed, such as by a dropped ssh connection.
    """
    signals = Signals()

    def stop(number, frame):
        if signals.stop and number == signal.SIGINT:
            raise KeyboardInterrupt
        signals.stop = True

    if threading.current_thread() is not threading.main_thread():  # Python sets handlers in the main thread only
        yield signals
        return
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # One that is ignored stays so: nohup starts a command like that.
    numbers = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
