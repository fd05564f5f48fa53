"""A student's own check: no protection, and nothing that Windows or macOS lacks."""

import subprocess
import sys

import numpy as np
import pytest

from minivision.checks import StudentFileError
from minivision.homework.process import GraderError, ProcessStoppedError, StudentProcess

# What Windows does not have; the student's process loads it through a sitecustomize of its own.
WITHOUT = """
import os, signal, sys
for name in ("fork", "forkpty", "killpg", "setsid", "set_blocking", "mkfifo"):
    if hasattr(os, name): delattr(os, name)
for name in ("SIGUSR1", "SIGUSR2", "SIGHUP", "SIGXCPU", "SIGXFSZ"):
    if hasattr(signal, name): delattr(signal, name)
for name in ("resource", "fcntl"):
    sys.modules[name] = None
"""

CHECK = (
    WITHOUT
    + """
import subprocess
launch = subprocess.Popen
class Popen(launch):
    def __init__(self, *arguments, pass_fds=(), start_new_session=False, preexec_fn=None, **options):
        assert not pass_fds and not start_new_session and preexec_fn is None, "not supported on Windows"
        super().__init__(*arguments, **options)
subprocess.Popen = Popen
import pathlib
import minivision.homework.process as process
text = pathlib.Path(process.__file__).with_name("worker.py").read_text(encoding="utf-8")
folder = pathlib.Path(sys.argv[1])
worker = folder / "worker.py"
here = repr(str(pathlib.Path(process.__file__).parent))
worker.write_text(sys.argv[3] + text.replace("os.path.dirname(os.path.abspath(__file__))", here))
start = process.StudentProcess._start_with_port
process.StudentProcess._start_with_port = lambda self, _: start(self, worker)
from minivision.homework import load_assignment
from minivision.homework.plugin import run_tests
for outcome in run_tests(load_assignment(sys.argv[2]), folder / "trial.py", ["1.1"]):
    print(outcome.passed, outcome.message)
"""
)


@pytest.mark.parametrize(("body", "verdict"), [(None, "True"), ("    return x * 1.0\n", "False")])
def test_the_check_needs_nothing_that_windows_lacks(trial, submit, tmp_path, body, verdict):
    path = submit(**({} if body is None else {"relu": body}), name="own/trial.py")
    arguments = [str(path.parent), str(trial.folder), WITHOUT]
    done = subprocess.run([sys.executable, "-c", CHECK, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == verdict and "not supported" not in done.stdout


def test_functions_are_called_and_an_endless_loop_is_stopped(submit):
    with StudentProcess(submit(), seconds=30) as student:
        assert student.call("relu", [np.array([-1.0, 2.0])], {}).tolist() == [0, 2]
    endless = submit(relu="    while True:\n        pass\n")
    with StudentProcess(endless, seconds=1) as student:
        with pytest.raises(ProcessStoppedError, match="a loop that does not end"):
            student.call("relu", [np.ones(1)], {})
    with pytest.raises(StudentFileError, match="its process ended|exit"):
        path = submit()
        path.write_text("import os\nos._exit(3)\n")
        StudentProcess(path)


@pytest.mark.parametrize("mark", ["\ufeff", "# -*- coding: utf-8 -*-\r\n# größer\r\n"])
def test_files_of_editors_on_windows_are_read(submit, mark):
    path = submit()
    path.write_bytes((mark + path.read_text(encoding="utf-8").replace("\n", "\r\n")).encode())
    with StudentProcess(path) as student:
        assert set(student.functions) >= {"relu"}


def test_isolation_on_another_system_is_refused_with_a_word(submit, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(GraderError, match="isolated on Linux only, and this is darwin"):
        StudentProcess(submit(), isolated=True)


def test_annotations_are_not_evaluated(tmp_path):
    """From Python 3.14 on, names that are imported for type checkers alone would raise NameError."""
    path = tmp_path / "own.py"
    text = "if TYPE_CHECKING:\n    from numpy.typing import NDArray\n"
    text += "def relu(x: NDArray, *more: Missing, keyword: Missing = 1) -> Missing:\n    return x\n"
    late = "" if sys.version_info >= (3, 14) else "from __future__ import annotations\n"
    path.write_text(f"{late}from typing import TYPE_CHECKING\n{text}")
    with StudentProcess(path) as student:
        assert student.functions["relu"]["parameters"] == ["x", "more", "keyword"]
