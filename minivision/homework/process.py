"""The process of a student's file, seen from the grader: call its functions, stop it, report how it ended."""

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

from minivision.checks import StudentFileError
from minivision.core import backends
from minivision.core.printable import printable
from minivision.homework import answers
from minivision.homework.deadline import Deadline
from minivision.homework.messages import Channel, ChannelClosedError, MessageError, NoAnswerError, pack

START_SECONDS = 30  # for Python, NumPy and the top level of the file, on a slow and busy machine
MAX_PRINTED_CHARS = 2000  # of the output that is shown
# No answer, or one that does not have the expected form.
INVALID_ANSWER = NoAnswerError, ChannelClosedError, MessageError, AttributeError, LookupError, TypeError, ValueError


class ProcessStoppedError(RuntimeError):
    """The student's process was stopped, or ended by itself. No function of it can be called any more.

    Attributes
    ----------
    in_short : str
        What happened, without any line or number: code that knows the numbers of a hidden test may have chosen these.
    """

    def __init__(self, message, in_short):
        super().__init__(message)
        self.in_short = in_short


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
        Time limit for all calls together.
    isolated : bool
        Whether the process is isolated (see :func:`minivision.homework.sandbox.isolate`). Limits hold in any case.
    library : path, optional
        The folder from which the process imports the library. Default: the library of this process.
    substitutes : dict
        Name -> function. When code of the file calls such a name, this function is called in the grader instead.
    imports : sequence of str
        What the file may import (see :class:`minivision.homework.Assignment`). Default: everything.
    called : path, optional
        What messages call the file. Default: its path.

    Attributes
    ----------
    file : Path
        What messages call it.
    functions : dict
        Functions of the file: name -> dict with ``parameters`` and ``line``.
    unprotected : list of str
        Protections that this system does not offer, if `isolated`.
    raised : int
        How many calls ended with an exception of the file's code.

    Raises
    ------
    StudentFileError
        If the file cannot be run. The message contains the cause and the line.
    """

    def __init__(self, file, *, seconds=60.0, isolated=False, library=None, substitutes=None, imports=(), called=None):
        self.path, self.file = pathlib.Path(file), pathlib.Path(called or file)
        self.seconds, self.substitutes, self.imports = seconds, substitutes or {}, list(imports)
        self.left = seconds  # remaining time for all calls
        self.stopped = None  # the ProcessStoppedError, once the process is stopped
        self.raised, self.unprotected, self._group = 0, [], None
        try:
            source = self.path.read_bytes()
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
        self._lines = open(self.folder / "lines", "w+b")  # to which the process writes the line that it is at
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
            "lines": self._lines.name,
            "parent": os.getpid(),
            "path": [str(library)] if library else [str(here.parent.parent)],
            "hidden": [package],
            "isolated": isolated,
            "cpu_seconds": START_SECONDS + self.seconds,
            "substitutes": list(self.substitutes),
            "imports": self.imports,
        }
        deadline = Deadline(START_SECONDS, self.process.pid)
        try:
            self.channel.send(settings, deadline)
            self.unprotected = self.channel.receive(deadline)["unprotected"]
            self.functions, error = answers.first_answer(self.channel.receive(deadline))
        except INVALID_ANSWER as problem:
            how, _ = self._how_it_ended(problem, START_SECONDS)
            raise StudentFileError(f"{self.file}: {how} while it was loaded") from None
        if error is not None:
            place = f"{self.file}, line {error['line']}" if error["line"] else f"{self.file}"
            message = " ".join(error["message"].split())
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
        from minivision.homework import control_group, sandbox  # staff's, and Linux's

        self._sandbox, limits = sandbox, {"processes": sandbox.MAX_PROCESSES, "memory": sandbox.MAX_MEMORY_BYTES}
        self._group = control_group.ControlGroup(self.process.pid, **limits)

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
        deadline = Deadline(self.left, self.process.pid)
        try:
            self.channel.send([name, args, kwargs], deadline)
            kind, parts = answers.later_answer(self.channel.receive(deadline))
            while kind == "call":
                self.channel.send(self._call_substitute(*parts), deadline)
                kind, parts = answers.later_answer(self.channel.receive(deadline))
            if kind == "result":
                answers.write_back((args, kwargs), parts[1:])
        except MessageError as problem:
            if str(problem).startswith(("a value of type", "an array of")):
                raise TypeError(str(problem)) from None
            raise self._stop(problem) from None
        except INVALID_ANSWER as problem:
            raise self._stop(problem) from None
        finally:
            self.left -= deadline.used()
        if kind == "error":
            self.raised += parts["kind"] != NotImplementedError.__name__
            raise answers.raised(parts, self.file)
        return parts[0]

    def _call_substitute(self, name, args, kwargs):
        """Call a function of the library for the student's code; return its result, or the exception that it raised."""
        if name not in self.substitutes:
            raise KeyError(name)
        try:
            with backends.backend(backends.DEFAULT):  # compiled, because the student's time is running
                result = self.substitutes[name](*args, **kwargs)
            pack(result)
            return {"result": result}
        except Exception as error:  # of arguments that the student's code chose
            return {"error": [type(error).__name__, answers.shown(error)]}

    def _stop(self, problem):
        """End the process; return the ProcessStoppedError to raise."""
        self.stopped = ProcessStoppedError(*self._how_it_ended(problem, self.seconds))
        self.stopped.frame = self._frame
        self._kill()
        return self.stopped

    def _how_it_ended(self, problem, seconds):
        """Describe why the process cannot be used any more, with its circumstances and in short."""
        self._frame = None
        if isinstance(problem, NoAnswerError):
            self._frame = self._where()
            line = f", in line {self._frame.lineno}" if self._frame else ""
            in_short = f"stopped after {seconds:g} s"
            return f"{in_short}{line}: is there a loop that does not end?", in_short
        if isinstance(problem, ChannelClosedError):
            in_short = "its process ended: an exit(), a crash, or too much memory?"
            try:
                code = self.process.wait(2)
            except subprocess.TimeoutExpired:
                return "its process closed the pipe to the grader, and went on", in_short
            # If a child of the process that we started ended by a signal, the exit code is the number of the signal.
            number = -code if code < 0 else code
            name = signal.Signals(number).name if number in signal.Signals.__members__.values() else ""
            what = {
                "SIGXCPU": "it used up its processor time",
                "SIGKILL": "it was killed; perhaps it used up its memory",
                "SIGXFSZ": "it wrote a file that is too large",
                "SIGSEGV": "it crashed: an index out of range in compiled code?",
            }.get(name, f"exit code {code}: is there an exit() or a crash?")
            return f"its process ended ({what})", in_short
        return f"its process sent an invalid answer ({answers.shown(problem, 200)})", "its process sent no valid answer"

    def _where(self):
        """Return the line of the student's file that is executed now as a FrameSummary, or None in compiled code."""
        if not hasattr(signal, "SIGUSR1"):  # Windows
            return None
        with contextlib.suppress(OSError):
            os.kill(self.process.pid, signal.SIGUSR1)
        pattern = rf'File "{re.escape(str(self.folder / self.file.name))}", line (\d{{1,6}})\b'
        for _ in range(20):
            time.sleep(0.05)
            self._lines.seek(0)
            lines = re.findall(pattern, self._lines.read(100_000).decode(errors="replace"))
            if lines:
                line = int(lines[0])
                text = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
                code = text[line - 1] if 0 < line <= len(text) else ""
                return traceback.FrameSummary(str(self.file), line, "", line=code)
        return None

    def printed(self):
        """Return the last characters that the student's code printed."""
        self._out.seek(0, os.SEEK_END)
        self._out.seek(max(0, self._out.tell() - MAX_PRINTED_CHARS))
        text = self._out.read(MAX_PRINTED_CHARS).decode(errors="replace")
        return printable(text.replace(str(self.folder / self.file.name), self.file.name))

    # ---- ending ----------------------------------------------------------------------------------------------------

    def _kill(self):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if self.isolated:  # with all processes that it started
                self.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(2)
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()
        if self._group:  # those that left its session
            self._group.close()
            if self._sandbox.NO_NAMESPACES in self.unprotected:
                self._sandbox.kill_user(self.process.pid)

    def close(self):
        """End the process and remove its folder."""
        if "process" in vars(self):
            self._kill()
        if "channel" in vars(self):
            with contextlib.suppress(OSError):
                self.channel.close()
        for file in (vars(self).get("_out"), vars(self).get("_lines")):
            if file:
                file.close()
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
