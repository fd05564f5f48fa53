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
_V2 = {"pids.max": "processes", "memory.max": "memory", "memory.swap.max": "swap"}
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
    folders : list of Path
        The groups that were made: one in version 2, one of each hierarchy in version 1.
    limited : set of str
        Which of ``"processes"`` and ``"memory"`` are limited.
    """

    def __init__(self, pid, *, processes, memory, root="/sys/fs/cgroup", own="/proc/self/cgroup"):
        values, self.folders, self.limited = {"processes": processes, "memory": memory, "swap": 0}, [], set()
        for parent, limits in _parents(pathlib.Path(root), pathlib.Path(own)):
            folder = parent / f"{PREFIX}{os.getpid()}-{pid}"
            try:
                _remove_stale(parent)
                folder.mkdir()
                limited = {what for file, what in limits.items() if _write(folder / file, values[what])}
                if limited & {"processes", "memory"} and _write(folder / "cgroup.procs", pid):
                    self.folders.append(folder)
                    self.limited |= limited - {"swap"}
                else:  # not our right, or no controller is switched on
                    folder.rmdir()
            except OSError:
                continue

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


def _write(file, value):
    """Return whether a value could be written: the kernel refuses a file that the group does not have."""
    try:
        file.write_text(str(value), encoding="utf-8")
    except OSError:
        return False
    return True


def _parents(root, own_groups):
    """Return folders in which groups may be made, with the files of their limits."""
    try:
        lines = own_groups.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    parts = [line.split(":", 2) for line in lines]  # number:controllers:path; version 2 names no controllers
    own = {part[1]: part[2].strip("/") for part in parts if len(part) == 3}
    if (root / "cgroup.controllers").exists():  # beside our own group: one with processes cannot limit its parts
        parent = (root / own[""]).parent if own.get("") else root
        _switch_on(parent)
        return [(parent, _V2)]
    return [(root / name / own[name], limits) for name, limits in _V1.items() if name in own]


def _switch_on(parent):
    """Have the groups in a folder of version 2 limit memory and processes, where it may and does not yet."""
    with contextlib.suppress(OSError):
        may = (parent / "cgroup.controllers").read_text(encoding="utf-8").split()
        does = (parent / "cgroup.subtree_control").read_text(encoding="utf-8").split()
        for controller in {"memory", "pids"} & set(may) - set(does):
            _write(parent / "cgroup.subtree_control", f"+{controller}")


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
