"""Messages of the library (the logger "minivision") on the standard output of a command."""

import contextlib
import logging
import sys

from minivision.core.printable import printable

_LOGGER = logging.getLogger("minivision")


class _Handler(logging.Handler):
    """Print messages; warnings and errors go to the standard error output."""

    def emit(self, record):
        text = printable(self.format(record))
        if record.levelno >= logging.WARNING:
            print(f"minivision: {record.levelname.lower()}: {text}", file=sys.stderr, flush=True)
        else:
            print(text, flush=True)


@contextlib.contextmanager
def messages_printed():
    """Print messages of level INFO and above, inside a ``with`` block."""
    handler, level = _Handler(), _LOGGER.level
    _LOGGER.addHandler(handler)
    _LOGGER.setLevel(logging.INFO)
    try:
        yield
    finally:
        _LOGGER.removeHandler(handler)
        _LOGGER.setLevel(level)


@contextlib.contextmanager
def messages_hidden():
    """Leave out messages below the level WARNING, inside a ``with`` block."""
    level = _LOGGER.level
    _LOGGER.setLevel(logging.WARNING)
    try:
        yield
    finally:
        _LOGGER.setLevel(level)
