"""Writing a folder of files at once: it appears when it is complete, and never before."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

MARK = ".incomplete"  # a file in a folder that is being written


@contextlib.contextmanager
def new_folder(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a folder to write to: it gets the name `path` at the end of the block, or is deleted after an error.

    Parameters
    ----------
    path : path
        It must not exist yet, or be an empty folder.

    Yields
    ------
    partial : pathlib.Path
        Beside it, with ``.partial`` behind its name. What a killed process left there is deleted.

    Raises
    ------
    FileExistsError
        If there is something of that name already.
    """
    final = Path(path)
    check_is_new(final)
    partial = final.with_name(f"{final.name}.partial")
    if (partial / MARK).is_file():
        shutil.rmtree(partial)
    if os.path.lexists(partial):
        raise FileExistsError(f"{partial} exists, and it is needed while {final.name} is written; rename it")
    partial.mkdir(parents=True)
    try:
        (partial / MARK).touch()
        yield partial
        check_is_new(final)
        if final.is_dir():
            final.rmdir()  # Windows replaces no folder
        (partial / MARK).unlink()
        partial.rename(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_is_new(path: Path) -> None:
    """Raise FileExistsError unless a path does not exist, or is an empty folder."""
    if os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir())):
        raise FileExistsError(f"{path} exists already and is not an empty folder; choose another name")
