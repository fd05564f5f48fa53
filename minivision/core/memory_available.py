"""How much memory a process can still use, on Linux, macOS and Windows, without a package for it."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

__all__ = ["available_memory"]


def available_memory() -> int | None:
    """Return the bytes that can be used without pushing others out to disk; None where the system does not say it.

    Linux: ``MemAvailable`` of ``/proc/meminfo``, and no more than what the control group of the process has left, as in
    a container. macOS: free, inactive, purgeable and speculative pages, as ``vm_stat`` counts them. Windows:
    ``ullAvailPhys`` of ``GlobalMemoryStatusEx``.
    """
    try:
        if sys.platform == "win32":
            return _on_windows()
        if sys.platform == "darwin":
            program = ["/usr/bin/vm_stat"]
            return from_vm_stat(subprocess.run(program, capture_output=True, text=True, check=True, timeout=10).stdout)
        known = [from_meminfo(Path("/proc/meminfo").read_text(encoding="ascii")), left_in_group(Path("/sys/fs/cgroup"))]
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        return None
    return min((number for number in known if number is not None), default=None)


def from_meminfo(text: str) -> int | None:
    """Return the available bytes that ``/proc/meminfo`` of Linux tells."""
    found = re.search(r"^MemAvailable:\s*(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def left_in_group(folder: Path) -> int | None:
    """Return the bytes that the control group of this process may still use; None without a limit.

    A container sees its own group in `folder`: ``memory.max`` and ``memory.current`` of version 2, or
    ``memory/memory.limit_in_bytes`` and ``memory/memory.usage_in_bytes`` of version 1. File pages that the group could
    give back, ``inactive_file``, are not counted as used.
    """
    for part, limit_name, usage_name, inactive in (
        (folder, "memory.max", "memory.current", "inactive_file"),
        (folder / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            limit, usage = ((part / name).read_text(encoding="ascii").strip() for name in (limit_name, usage_name))
            statistics = (part / "memory.stat").read_text(encoding="ascii")
        except OSError:
            continue
        if limit == "max":
            return None
        found = re.search(rf"^{inactive} (\d+)$", statistics, re.MULTILINE)
        return max(0, int(limit) - int(usage) + (int(found[1]) if found else 0))
    return None


def from_vm_stat(text: str) -> int | None:
    """Return the available bytes that the output of macOS' ``vm_stat`` tells."""
    size = re.search(r"page size of (\d+) bytes", text)
    names = ("free", "inactive", "purgeable", "speculative")
    pages = re.findall(rf"^Pages ({'|'.join(names)}):\s*(\d+)\.?$", text, re.MULTILINE)
    return int(size[1]) * sum(int(count) for _, count in pages) if size and pages else None


def _on_windows() -> int | None:
    """Ask Windows; its structure MEMORYSTATUSEX has two 32-bit numbers and seven of 64 bits."""

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_uint32), ("load", ctypes.c_uint32), ("total", ctypes.c_uint64),
            ("available", ctypes.c_uint64), *((f"unused{k}", ctypes.c_uint64) for k in range(5)),
        ]  # fmt: skip

    status = Status(length=ctypes.sizeof(Status))
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]  # on Windows only
    return int(status.available) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None
