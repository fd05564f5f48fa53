"""Atomic writing: a file has either its old content or all of its new content, also after an error."""

from __future__ import annotations

import contextlib
import os
import pathlib
from collections.abc import Iterator


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike, *, per_process: bool = False) -> Iterator[pathlib.Path]:
    """Yield a temporary path to write to: it replaces `path` at the end of the block, or is deleted after an error.

    Parameters
    ----------
    path : path
    per_process : bool
        Whether the name of the temporary file contains the number of the process: for files that several processes
        may write at the same time, such as those of a cache. Otherwise the next call overwrites what a killed process
        left.

    Yields
    ------
    partial : pathlib.Path
        In the same folder, with the name of `path` and ``.partial``.

    Raises
    ------
    OSError
        If it cannot be written, with the name of the file also where the system does not say it: "No space left on
        device".
    """
    final = pathlib.Path(path)
    partial = final.with_name(f"{final.name}.{os.getpid()}.partial" if per_process else f"{final.name}.partial")
    try:
        yield partial
        os.replace(partial, final)
    except OSError as error:
        own = error.filename is None or os.fspath(error.filename) == str(partial)  # of writing, such as a full disk
        if own and error.errno is not None:
            raise type(error)(error.errno, error.strerror, str(final)) from error
        raise
    finally:
        partial.unlink(missing_ok=True)
