"""A line on stderr when a command has been silent for some seconds: what it is doing, by the stack of its thread."""

import contextlib
import pathlib
import sys
import threading
import time

SILENCE = 5.0  # seconds
SILENCE_OF_LOGS = 15.0  # where bars write a line every 10 s
PACKAGE = pathlib.Path(__file__).parents[1]


@contextlib.contextmanager
def heartbeat(seconds=None):
    """Print what the current thread does whenever nothing has been printed for some seconds, inside of a block."""
    if seconds is None:
        seconds = SILENCE if sys.stderr.isatty() else SILENCE_OF_LOGS
    thread, start, over = threading.get_ident(), time.monotonic(), threading.Event()
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = watched = _Watched(streams[0]), _Watched(streams[1])

    def watch():
        while not over.wait(min(1.0, seconds / 5)):
            if time.monotonic() - max(each.last for each in watched) >= seconds:
                doing = describe(sys._current_frames().get(thread))
                print(f"minivision: {doing}, {time.monotonic() - start:.0f} s so far", file=watched[1], flush=True)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        if (sys.stdout, sys.stderr) == watched:
            sys.stdout, sys.stderr = streams


class _Watched:
    """A stream that knows when it was written to last."""

    def __init__(self, stream):
        self.stream, self.last = stream, time.monotonic()

    def write(self, text):
        self.last = time.monotonic()
        return self.stream.write(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


def describe(frame):
    """Return what the innermost function of a stack is doing: compiling, running a file of the user, or a function."""
    compiling, own = False, None
    while frame is not None:
        path = pathlib.Path(frame.f_code.co_filename)
        if "numba" in path.parts and "core" in path.parts:
            compiling = True
        elif PACKAGE in path.parents:
            if compiling:
                return "compiling kernels (once; they are kept)"
            if own is None or (_is_private(own) and not _is_private(frame)):
                own = frame  # the innermost function whose name a reader may know
        elif own is None and path.is_file() and "site-packages" not in path.parts and not _is_of_python(path):
            return f"running {frame.f_code.co_name} of {path}, line {frame.f_lineno}: the time is that of this file"
        frame = frame.f_back
    return f"in {own.f_code.co_name} ({pathlib.Path(own.f_code.co_filename).name})" if own else "still at work"


def _is_private(frame):
    return frame.f_code.co_name.startswith(("_", "<"))


def _is_of_python(path):
    return pathlib.Path(threading.__file__).parent in path.parents
