"""Limits for all processes of a submission together: a control group of Linux, where this process may make one.

Limits of a single process or user do not hold for the memory of many. References: the kernel's documentation,
``admin-guide/cgroup-v2`` and ``admin-guide/cgroup-v1`` (memory, pids).
"""

import contextlib
import os
import pathlib
import signal
import time

PREFIX = "minivision-"
# file -> value: the limits of version 2, and of each hierarchy of version 1
_V2 = {"pids.max": "processes", "memory.max": "memory"}
_V1 = {"pids": {"pids.max": "processes"}, "memory": {"memory.limit_in_bytes": "memory"}}


class ControlGroup:
    """A control group for one process and all that it starts; it holds what the system offers, perhaps nothing.

    Parameters
    ----------
    pid : int
        The process, before it runs foreign code.
    processes, memory : int
        The largest number of processes and threads, and of bytes.

    Attributes
    ----------
    limited : set of str
        Which of ``"processes"`` and ``"memory"`` are limited.
    """

    def __init__(self, pid, *, processes, memory, root="/sys/fs/cgroup"):
        values, self.folders, self.limited = {"processes": processes, "memory": memory}, [], set()
        for parent, limits in _parents(pathlib.Path(root)):
            folder = parent / f"{PREFIX}{os.getpid()}-{pid}"
            try:
                _remove_stale(parent)
                folder.mkdir()
                self.folders.append(folder)
                for file, what in limits.items():
                    (folder / file).write_text(str(values[what]), encoding="utf-8")
                (folder / "cgroup.procs").write_text(str(pid), encoding="utf-8")
                self.limited |= set(limits.values())
            except OSError:  # not our right, or the controller is not switched on
                with contextlib.suppress(OSError):
                    folder.rmdir()

    def close(self):
        """Kill all processes in it, and remove it."""
        for folder in self.folders:
            for _ in range(200):
                with contextlib.suppress(OSError):
                    folder.rmdir()
                if not folder.exists():
                    break
                with contextlib.suppress(OSError):
                    (folder / "cgroup.kill").write_text("1", encoding="utf-8")
                for pid in _members(folder):
                    with contextlib.suppress(OSError):
                        os.kill(pid, signal.SIGKILL)
                time.sleep(0.01)
        self.folders = []


def _parents(root):
    """Return folders in which groups may be made, with the files of their limits."""
    try:
        lines = pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").split()
    except OSError:
        return []
    own = {line.split(":")[1]: line.split(":")[2].strip("/") for line in lines if line.count(":") == 2}
    if (root / "cgroup.controllers").exists():  # beside our own group: one with processes cannot limit its parts
        return [((root / own.get("", "")).parent if own.get("") else root, _V2)]
    return [(root / name / own[name], limits) for name, limits in _V1.items() if name in own]


def _remove_stale(parent):
    """Remove the empty groups of graders that were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        grader = folder.name.removeprefix(PREFIX).partition("-")[0]
        if grader.isdigit() and not os.path.exists(f"/proc/{grader}"):
            with contextlib.suppress(OSError):
                folder.rmdir()


def _members(folder):
    with contextlib.suppress(OSError, ValueError):
        return [int(line) for line in (folder / "cgroup.procs").read_text(encoding="utf-8").split()]
    return []
