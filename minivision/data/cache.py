"""Cache on disk for datasets that take time to make."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

from minivision.data.images import BrokenFileError
from minivision.data.memory import InMemory

__all__ = ["cache_folder", "load_or_make"]


class _Savable(Protocol):
    def save(self, path: Path) -> None: ...


S = TypeVar("S", bound=_Savable)

ABANDONED = 3600  # seconds since the last write to a half-written file: its process must have been killed


def cache_folder() -> Path:
    """Return ``$MINIVISION_CACHE``, else ``minivision`` in ``$XDG_CACHE_HOME``, else ``~/.cache/minivision``."""
    if os.environ.get("MINIVISION_CACHE"):
        return Path(os.environ["MINIVISION_CACHE"])
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "minivision"
    try:
        return Path.home() / ".cache" / "minivision"
    except RuntimeError:  # a user without a home folder
        return Path(tempfile.gettempdir()) / "minivision"


def load_or_make(
    name: str,
    key: Mapping[str, object],
    make: Callable[[], S],
    folder: str | os.PathLike | None = None,
    *,
    load: Callable[[Path], Any] = InMemory.load,
) -> S:
    """Read a dataset from the cache; if it is not there, make it and store it.

    Parameters
    ----------
    name : str
        Start of the file's name, readable for people.
    key : dict of str to object
        Everything that the dataset depends on, as plain values; its hash becomes part of the file's name.
    make : callable
        Makes the `InMemory` dataset, or another object with ``save(path)``; called if the file is missing or damaged.
    folder : path, optional
        `cache_folder` by default. If it is not writable, there is a warning and the dataset is not stored.
    load : callable
        Reads what ``save(path)`` wrote; raises `BrokenFileError` if it cannot.

    Returns
    -------
    dataset : InMemory
        Or another object, as `make` returns it.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    path = Path(cache_folder() if folder is None else folder) / f"{name}-{digest}.npz"
    try:
        if path.is_file():
            return load(path)
    except BrokenFileError as error:
        warnings.warn(f"{error}; making it again", stacklevel=3)
    except PermissionError:
        pass  # not readable; the warning follows when it cannot be written either
    dataset = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_litter(path.parent)
        dataset.save(path)
    except OSError as error:
        warnings.warn(
            f"{path.parent} cannot be written to ({error}), so {name} will be made again next time; "
            "set MINIVISION_CACHE to a folder that is writable",
            stacklevel=3,
        )
    return dataset


def _remove_litter(folder):
    """Delete half-written files of processes that were killed."""
    for path in folder.glob("*.npz.*partial"):
        try:
            if time.time() - path.stat().st_mtime > ABANDONED:
                path.unlink()
        except OSError:  # another process was faster
            continue
