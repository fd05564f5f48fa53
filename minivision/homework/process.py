"""A student's file in a process of its own: arrays go there, and arrays come back."""

import builtins
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import numpy as np

from minivision.checks import StudentFileError
from minivision.core import backends
from minivision.homework.messages import HangUpError, Line, MessageError, SilenceError

START_SECONDS = 30  # for Python, NumPy and what the file does when it is loaded, on a slow and busy machine
PRINTED = 2000  # characters of what it printed that are shown


class Stopped(RuntimeError):
    """The student's process was stopped, or ended by itself; nothing can be asked of it any more."""


class Process:
    """A student's file, loaded in a process of its own, where its functions are called.

    Parameters
    ----------
    file : path
        The student's file.
    seconds : float
        What all calls together may take.
    locked : bool
        Whether the process is locked up (see :func:`minivision.homework.sandbox.lock_up`); limits hold in any case.
    library : path, optional
        The folder in which the process finds the library, and no other; by default, that of this process.
    served : mapping
        Functions by name that are called here in place of the file's own ones.

    Attributes
    ----------
    file : Path
    functions : dict
        Of the file: name -> its parameters and its line.
    missing : list of str
        What this system could not protect from it, when `locked`.

    Raises
    ------
    StudentFileError
        When the file cannot be run; the message says why, and in which line.
    """

    def __init__(self, file, *, seconds=60.0, locked=False, library=None, served=None):
        self.file, self.seconds, self.served = pathlib.Path(file), seconds, served or {}
        self.left = seconds  # of the time for all calls
        self.stopped = None  # what there is to say, once it has been
        try:
            source = self.file.read_bytes()
        except OSError as error:
            raise StudentFileError(f"{self.file}: {error.strerror or error}") from None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="minivision-"))
        try:
            self._start(source, locked, library)
        except BaseException:
            self.close()
            raise

    def _start(self, source, locked, library):
        copy = self.folder / self.file.name
        copy.write_bytes(source)
        self._out = tempfile.TemporaryFile(dir=self.folder)
        to_child, from_parent = os.pipe()
        from_child, to_parent = os.pipe()
        os.set_blocking(from_parent, False)
        self.line = Line(from_child, from_parent)
        here = pathlib.Path(__file__).parent
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-u", str(here / "child.py"), str(to_child), str(to_parent)],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            pass_fds=(to_child, to_parent),
            env=_environment(self.folder),
            cwd="/",
            start_new_session=True,
        )
        os.close(to_child)
        os.close(to_parent)
        package = str(here.parent)
        orders = {
            "file": str(copy),
            "folder": str(self.folder),
            "path": [str(library)] if library else [str(here.parent.parent)],
            "hidden": [package],
            "locked": locked,
            "processor_seconds": START_SECONDS + self.seconds,
            "served": list(self.served),
        }
        deadline = time.monotonic() + START_SECONDS
        try:
            self.line.send(orders, deadline)
            answer = self.line.receive(deadline)
            self.functions, self.missing, error = _first_answer(answer)
        except (SilenceError, HangUpError, MessageError, LookupError, TypeError, ValueError, AttributeError) as problem:
            raise StudentFileError(f"{self.file}: {self._ended(problem, START_SECONDS)} while it was loaded") from None
        if error is not None:
            place = f"{self.file}, line {error['line']}" if error["line"] else f"{self.file}"
            message = " ".join(str(error["message"]).split())
            shown = f": `{error['code']}`" if error["code"] else ""
            raise StudentFileError(f"{place}: {error['type']}: {message}{shown}")

    # ---- calling ---------------------------------------------------------------------------------------------------

    def call(self, name, args, kwargs):
        """Call a function of the file with normalised arguments; return its result.

        Arrays among the arguments that it wrote to are changed here too.
        """
        if self.stopped:
            raise self.stopped
        start = time.monotonic()
        deadline = start + self.left
        try:
            self.line.send([name, args, kwargs], deadline)
            answer = self.line.receive(deadline)
            while "serve" in answer:
                self.line.send(self._serve(*answer["serve"]), deadline)
                answer = self.line.receive(deadline)
            error = answer.get("error")
            result = None if error else answer["result"]
            if not error:
                _write_back((args, kwargs), (answer["args"], answer["kwargs"]))
        except MessageError as problem:
            if str(problem).startswith(("a value of type", "an array of")):
                raise TypeError(str(problem)) from None
            raise self._stop(problem) from None
        except (SilenceError, HangUpError, AttributeError, KeyError, TypeError, ValueError) as problem:
            raise self._stop(problem) from None
        finally:
            self.left -= time.monotonic() - start
        if error:
            raise self._raised(error)
        return result

    def _serve(self, name, args, kwargs):
        """Call a function for the student's code."""
        if name not in self.served:
            raise KeyError(name)
        with backends.backend(backends.DEFAULT):  # compiled, for the student's time is running
            return self.served[name](*args, **kwargs)

    def _raised(self, said):
        """Return the exception that was raised there: of the same name, with the line it came from."""
        base = getattr(builtins, str(said.get("kind")), RuntimeError)
        if not (isinstance(base, type) and issubclass(base, Exception)):
            base = RuntimeError
        error = type(str(said["type"]), (base,), {"__init__": lambda self, text: Exception.__init__(self, text)})(
            str(said["message"])
        )
        error.__class__.__str__ = lambda self: str(self.args[0])
        if said["line"]:
            error.frame = traceback.FrameSummary(str(self.file), int(said["line"]), "", line=str(said["code"]))
        return error

    def _stop(self, problem):
        """End the process; return what there is to say about it."""
        self.stopped = Stopped(self._ended(problem, self.seconds))
        self.stopped.frame = self._frame
        self._kill()
        return self.stopped

    def _ended(self, problem, seconds):
        """Say why nothing more can be asked of the process."""
        self._frame = None
        if isinstance(problem, SilenceError):
            self._frame = self._where()
            line = f", in line {self._frame.lineno}" if self._frame else ""
            return f"stopped after {seconds:g} s{line}: is there a loop that does not end?"
        if isinstance(problem, HangUpError):
            self.process.wait(5)
            code = self.process.returncode
            # A child of the process that we started ended by a signal: then it is the exit code.
            number = -code if code < 0 else code
            name = signal.Signals(number).name if number in signal.Signals.__members__.values() else ""
            what = {
                "SIGXCPU": "its processor time was used up",
                "SIGKILL": "it was killed; perhaps its memory was used up",
                "SIGXFSZ": "it wrote too large a file",
                "SIGSEGV": "it crashed: an index out of range in compiled code?",
            }.get(name, f"exit code {code}: is there an exit() or a crash?")
            return f"its process ended ({what})"
        return f"its process sent what is no answer ({problem})"

    def _where(self):
        """Ask the process where it is; return a FrameSummary of the student's file, or None (in compiled code)."""
        with contextlib.suppress(OSError):
            os.kill(self.process.pid, signal.SIGUSR1)
        pattern = rf'File "{re.escape(str(self.folder / self.file.name))}", line (\d+)'
        for _ in range(20):
            time.sleep(0.05)
            found = re.findall(pattern, self.printed(None))
            if found:
                line = int(found[0])
                text = self.file.read_text(errors="replace").splitlines()
                return traceback.FrameSummary(
                    str(self.file), line, "", line=text[line - 1] if line <= len(text) else ""
                )
        return None

    def printed(self, most=PRINTED):
        """Return the end of what the student's code printed."""
        self._out.seek(0, os.SEEK_END)
        size = self._out.tell()
        self._out.seek(max(0, size - (most or 100_000)))
        return self._out.read().decode(errors="replace")

    # ---- ending ----------------------------------------------------------------------------------------------------

    def _kill(self):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        """End the process, and remove its folder."""
        if "process" in vars(self):
            self._kill()
        if "line" in vars(self):
            with contextlib.suppress(OSError):
                self.line.close()
        if "_out" in vars(self):
            self._out.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _environment(folder):
    """Return the variables of the student's process: none of ours, a fresh cache, one thread."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "MPLBACKEND": "Agg",
        "MINIVISION_BACKEND": "reference",  # what it calls of the library: nothing to compile first
        **threads,
    }


def _first_answer(answer):
    """Return what the process says when it has loaded the file, if it looks as it should: the file may have said it."""
    functions, missing, error = answer["functions"], answer["missing"], answer["error"]
    functions = {
        str(name): {"parameters": [str(each) for each in about["parameters"]], "line": int(about["line"])}
        for name, about in functions.items()
    }
    if error is not None:
        error = {key: str(error[key]) for key in ("type", "message", "code")} | {"line": int(error["line"] or 0)}
    return functions, [str(sentence) for sentence in missing], error


def _write_back(ours, theirs):
    """Give arrays of ours the contents that they have after the call."""
    for array, after in zip(_arrays(ours), _arrays(theirs), strict=True):
        if array.shape == after.shape and array.dtype == after.dtype and array.tobytes() != after.tobytes():
            array[...] = after


def _arrays(value):
    if isinstance(value, np.ndarray):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _arrays(part)
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _arrays(part)
