"""The process of a student's file, seen from the grader: call its functions, stop it, report how it ended."""

import builtins
import contextlib
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import numpy as np

from minivision.checks import StudentFileError
from minivision.core import backends
from minivision.homework.messages import Channel, ChannelClosedError, MessageError, NoAnswerError
from minivision.homework.time_budget import TimeBudget

START_SECONDS = 30  # for Python, NumPy and the top level of the file, on a slow and busy machine
TRANSFER_SECONDS = 60  # to send the arguments of a call, or to read an answer that has begun
MAX_PRINTED_CHARS = 2000  # of the output that is shown
# No answer, or one that does not have the expected form.
INVALID_ANSWER = NoAnswerError, ChannelClosedError, MessageError, AttributeError, LookupError, TypeError, ValueError


class ProcessStoppedError(RuntimeError):
    """The student's process was stopped, or ended by itself. No function of it can be called any more."""


class GraderError(RuntimeError):
    """Something is wrong with the grader or its computer: no fault of a student's file, and it costs no points."""


class StudentProcess:
    """A process that loads a student's file and calls its functions.

    An isolated process inherits two pipes, and runs on Linux only. Otherwise it connects to a port of this computer,
    which works on every system: a student's own check needs no protection.

    Parameters
    ----------
    file : path
        The student's file.
    seconds : float
        Limit of the processor time of all calls together (see :class:`minivision.homework.time_budget.TimeBudget`).
    isolated : bool
        Whether the process is isolated (see :func:`minivision.homework.sandbox.isolate`). Limits hold in any case.
    library : path, optional
        The folder from which the process imports the library. Default: the library of this process.
    substitutes : dict
        Name -> function. When code of the file calls such a name, this function is called in the grader instead.

    Attributes
    ----------
    file : Path
    functions : dict
        Functions of the file: name -> dict with ``parameters`` and ``line``.
    unprotected : list of str
        Protections that this system does not offer, if `isolated`.

    Raises
    ------
    StudentFileError
        If the file cannot be run. The message contains the cause and the line.
    """

    def __init__(self, file, *, seconds=60.0, isolated=False, library=None, substitutes=None):
        self.file, self.seconds, self.substitutes = pathlib.Path(file), seconds, substitutes or {}
        self.stopped = None  # the ProcessStoppedError, once the process is stopped
        try:
            source = self.file.read_bytes()
        except OSError as error:
            raise StudentFileError(f"{self.file}: {error.strerror or error}") from None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="minivision-"))
        try:
            self._start(source, isolated, library)
        except BaseException:
            self.close()
            raise

    def _start(self, source, isolated, library):
        copy = self.folder / self.file.name
        copy.write_bytes(source)
        self._out = tempfile.TemporaryFile(dir=self.folder)
        here = pathlib.Path(__file__).parent
        self.isolated = isolated
        if isolated:
            self._start_with_pipes(here / "worker.py")
        else:
            self._start_with_port(here / "worker.py")
        package = str(here.parent)
        settings = {
            "file": str(copy),
            "folder": str(self.folder),
            "path": [str(library)] if library else [str(here.parent.parent)],
            "hidden": [package],
            "isolated": isolated,
            "cpu_seconds": START_SECONDS + self.seconds,
            "substitutes": list(self.substitutes),
        }
        deadline = time.monotonic() + START_SECONDS
        try:
            self.channel.send(settings, deadline)
            answer = self.channel.receive(deadline)
            self.functions, self.unprotected, error = _checked_first_answer(answer)
        except INVALID_ANSWER as problem:
            how = self._how_it_ended(problem, START_SECONDS)
            raise StudentFileError(f"{self.file}: {how} while it was loaded") from None
        self.budget = TimeBudget(self.seconds, self.process.pid)
        if error is not None:
            place = f"{self.file}, line {error['line']}" if error["line"] else f"{self.file}"
            message = " ".join(str(error["message"]).split())
            shown = f": `{error['code']}`" if error["code"] else ""
            raise StudentFileError(f"{place}: {error['type']}: {message}{shown}")

    def _start_with_pipes(self, worker):
        if sys.platform != "linux":
            raise GraderError(
                f"submissions are isolated on Linux only, and this is {sys.platform}: grade on Linux, or trust the "
                "submissions and give --unlocked"
            )
        to_worker, from_parent = os.pipe()
        from_worker, to_parent = os.pipe()
        os.set_blocking(from_parent, False)
        self.channel = Channel(from_worker, from_parent)
        own_session = {"pass_fds": (to_worker, to_parent), "start_new_session": True}
        self._launch(worker, [str(to_worker), str(to_parent)], _environment(self.folder), **own_session)
        os.close(to_worker)
        os.close(to_parent)

    def _start_with_port(self, worker):
        token = secrets.token_hex()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(1.0)
            port = server.getsockname()[1]
            environment = {**os.environ, **_environment(self.folder), "PATH": os.environ.get("PATH", "")}
            self._launch(worker, ["port", str(port)], {**environment, "MINIVISION_TOKEN": token})
            connection = self._accept(server, token)
        connection.setblocking(False)
        self.channel = Channel(connection, connection)

    def _accept(self, server, token):
        """Return the connection of the process: of the first one that knows the token."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(TimeoutError):
                connection, _ = server.accept()
                connection.settimeout(START_SECONDS)
                if secrets.compare_digest(connection.recv(len(token)), token.encode()):
                    return connection
                connection.close()
            if self.process.poll() is not None:
                break
        raise GraderError(
            f"Python could not be started for {self.file}: {self.printed().strip() or 'it did not answer'}"
        )

    def _launch(self, worker, arguments, environment, **options):
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-u", str(worker), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=self.folder.anchor,
            **options,
        )

    # ---- calling ---------------------------------------------------------------------------------------------------

    def call(self, name, args, kwargs):
        """Call a function of the file.

        If it writes to arrays among its arguments, the caller's arrays change too.

        Parameters
        ----------
        name : str
        args : list
        kwargs : dict
            Normalized arguments.

        Returns
        -------
        result : object

        Raises
        ------
        ProcessStoppedError
            If the time is up, or the process ended.
        """
        if self.stopped:
            raise self.stopped
        try:
            answer = self._ask([name, args, kwargs])
            while "call" in answer:
                answer = self._ask(self._call_substitute(*answer["call"]))
            error = answer.get("error")
            result = None if error else answer["result"]
            if not error:
                _write_back((args, kwargs), (answer["args"], answer["kwargs"]))
        except MessageError as problem:
            if str(problem).startswith(("a value of type", "an array of")):
                raise TypeError(str(problem)) from None
            raise self._stop(problem) from None
        except INVALID_ANSWER as problem:
            raise self._stop(problem) from None
        if error:
            raise self._exception(error)
        return result

    def _ask(self, message):
        start = time.monotonic()
        self.channel.send(message, start + TRANSFER_SECONDS)
        self.budget.spend(time.monotonic() - start)
        self.budget.wait(self.channel.reader)
        start = time.monotonic()
        answer = self.channel.receive(start + TRANSFER_SECONDS)
        self.budget.spend(time.monotonic() - start)
        return answer

    @property
    def used(self):
        """Seconds for which the student's code ran in all calls."""
        return self.budget.used

    def _call_substitute(self, name, args, kwargs):
        """Call a function of the library for the student's code."""
        if name not in self.substitutes:
            raise KeyError(name)
        with backends.backend(backends.DEFAULT):  # compiled, because the student's time is running
            return self.substitutes[name](*args, **kwargs)

    def _exception(self, described):
        """Return the exception that the worker describes, with the same name and the line of the student's file."""
        base = getattr(builtins, str(described.get("kind")), RuntimeError)
        if not (isinstance(base, type) and issubclass(base, Exception)):
            base = RuntimeError
        error = type(str(described["type"]), (base,), {"__init__": lambda self, text: Exception.__init__(self, text)})(
            str(described["message"])
        )
        error.__class__.__str__ = lambda self: str(self.args[0])
        if described["line"]:
            line, code = int(described["line"]), str(described["code"])
            error.frame = traceback.FrameSummary(str(self.file), line, "", line=code)
        return error

    def _stop(self, problem):
        """End the process; return the ProcessStoppedError to raise."""
        self.stopped = ProcessStoppedError(self._how_it_ended(problem, self.seconds))
        self.stopped.frame = self._frame
        self._kill()
        return self.stopped

    def _how_it_ended(self, problem, seconds):
        """Describe why the process cannot be used any more."""
        self._frame = None
        if isinstance(problem, NoAnswerError):
            self._frame = self._where()
            line = f", in line {self._frame.lineno}" if self._frame else ""
            return f"stopped after {seconds:g} s{line}: is there a loop that does not end?"
        if isinstance(problem, ChannelClosedError):
            self.process.wait(5)
            code = self.process.returncode
            # If a child of the process that we started ended by a signal, the exit code is the number of the signal.
            number = -code if code < 0 else code
            name = signal.Signals(number).name if number in signal.Signals.__members__.values() else ""
            what = {
                "SIGXCPU": "it used up its processor time",
                "SIGKILL": "it was killed; perhaps it used up its memory",
                "SIGXFSZ": "it wrote a file that is too large",
                "SIGSEGV": "it crashed: an index out of range in compiled code?",
            }.get(name, f"exit code {code}: is there an exit() or a crash?")
            return f"its process ended ({what})"
        return f"its process sent an invalid answer ({problem})"

    def _where(self):
        """Return the line of the student's file that is executed now as a FrameSummary, or None in compiled code."""
        if not hasattr(signal, "SIGUSR1"):  # Windows
            return None
        with contextlib.suppress(OSError):
            os.kill(self.process.pid, signal.SIGUSR1)
        pattern = rf'File "{re.escape(str(self.folder / self.file.name))}", line (\d+)'
        for _ in range(20):
            time.sleep(0.05)
            lines = re.findall(pattern, self.printed(None))
            if lines:
                line = int(lines[0])
                text = self.file.read_text(encoding="utf-8", errors="replace").splitlines()
                return traceback.FrameSummary(
                    str(self.file), line, "", line=text[line - 1] if line <= len(text) else ""
                )
        return None

    def printed(self, max_chars=MAX_PRINTED_CHARS):
        """Return the last characters that the student's code printed."""
        self._out.seek(0, os.SEEK_END)
        size = self._out.tell()
        self._out.seek(max(0, size - (max_chars or 100_000)))
        return self._out.read().decode(errors="replace")

    # ---- ending ----------------------------------------------------------------------------------------------------

    def _kill(self):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.isolated:  # with all processes that it started
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()

    def close(self):
        """End the process and remove its folder."""
        if "process" in vars(self):
            self._kill()
        if "channel" in vars(self):
            with contextlib.suppress(OSError):
                self.channel.close()
        if "_out" in vars(self):
            self._out.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _environment(folder):
    """Return the environment variables of the student's process: none of the grader's, a new cache, one thread."""
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "NUMBA_CACHE_DIR": str(folder / "numba"),
        "MPLBACKEND": "Agg",
        "MINIVISION_BACKEND": "reference",  # for operations that it calls: nothing must be compiled first
        **threads,
    }


def _checked_first_answer(answer):
    """Return the parts of the first answer in the expected types: code of the student's file may have sent it."""
    functions, unprotected, error = answer["functions"], answer["unprotected"], answer["error"]
    functions = {
        str(name): {"parameters": [str(each) for each in about["parameters"]], "line": int(about["line"])}
        for name, about in functions.items()
    }
    if error is not None:
        error = {key: str(error[key]) for key in ("type", "message", "code")} | {"line": int(error["line"] or 0)}
    return functions, [str(sentence) for sentence in unprotected], error


def _write_back(ours, theirs):
    """Copy the contents that arguments have after the call into our arrays."""
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
