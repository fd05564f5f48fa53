"""A lock on a folder, so that two runs do not write into it at the same time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"  # its name in the folder


class FolderInUseError(OSError):
    """A folder that another process writes to."""


@contextlib.contextmanager
def folder_lock(folder: str | os.PathLike) -> Iterator[None]:
    """Hold the lock of an existing folder inside a ``with`` block.

    The system itself releases it when the process ends, however it ends, so a lock is never left behind.

    Parameters
    ----------
    folder : path

    Raises
    ------
    FolderInUseError
        If another process, or another part of this one, holds it.
    """
    path = Path(folder) / LOCK
    with _opened(path) as file:
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # Windows removes no open file
                path.unlink()


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """Open and lock the file; again if the process that held it removed it in between."""
    while True:
        with open(path, "a+", encoding="utf-8") as file:
            if not _lock(file):
                file.seek(0)
                raise FolderInUseError(
                    f"{path.parent} is in use by another run (process {file.read().strip() or 'unknown'}); wait until "
                    "it has ended, or choose another folder"
                )
            if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                continue
            yield file
            return


def _lock(file):
    """Lock an open file; return whether that was possible."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            file.seek(1 << 20)  # a byte beyond its end, so that the rest can be read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except BlockingIOError:
        return False
    except PermissionError:  # Windows
        return False
    except OSError:  # a file system without locks
        return True
    return True
