"""The temporary files of a grader in one folder, which the next grader removes if this one is killed."""

import contextlib
import importlib
import importlib.util
import os
import pathlib
import shutil
import tempfile

PREFIX, LOCK = "minivision-grading-", "lock"


@contextlib.contextmanager
def scratch_folder():
    """Yield a temporary folder that all users may enter, but not list; remove those of graders that have ended.

    A grader holds a lock on a file in its folder, which the system takes back however the grader ends.

    Yields
    ------
    folder : pathlib.Path
    """
    fcntl = importlib.import_module("fcntl") if importlib.util.find_spec("fcntl") else None  # not on Windows
    if fcntl:
        _remove_stale(fcntl)
    new = pathlib.Path(tempfile.mkdtemp(prefix="minivision-new-"))
    folder = new.with_name(new.name.replace("minivision-new-", PREFIX))
    with open(new / LOCK, "wb") as lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)
        new.chmod(0o711)
        new.rename(folder)  # only now can another grader take it for stale
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_stale(fcntl):
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            with open(folder / LOCK, "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # an error while its grader lives
                shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def temporary_files_in(folder):
    """Have this process make its temporary files in a folder, inside of a ``with`` block."""
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
