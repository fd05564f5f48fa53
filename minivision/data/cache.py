"""Datasets that took time to make, kept on disk for the next run."""

import hashlib
import json
import os
import tempfile
import warnings
from pathlib import Path

from minivision.data.images import BrokenFileError
from minivision.data.memory import InMemory

__all__ = ["cache_folder", "load_or_make"]


def cache_folder():
    """``$MINIVISION_CACHE``, else ``minivision`` in ``$XDG_CACHE_HOME``, else ``~/.cache/minivision``."""
    if os.environ.get("MINIVISION_CACHE"):
        return Path(os.environ["MINIVISION_CACHE"])
    if os.environ.get("XDG_CACHE_HOME"):
        return Path(os.environ["XDG_CACHE_HOME"]) / "minivision"
    try:
        return Path.home() / ".cache" / "minivision"
    except RuntimeError:  # a user without a home folder
        return Path(tempfile.gettempdir()) / "minivision"


def load_or_make(name, key, make, folder=None, *, load=InMemory.load):
    """Read a dataset, or what else takes time, from the cache, or make it and put it there.

    Parameters
    ----------
    name : str
        Start of the file's name, for people who look into the folder.
    key : dict
        All that the dataset depends on, as plain values; it becomes part of the file's name.
    make : callable
        Returns the `InMemory` dataset if the cache does not have it, or only a damaged one; or something else that
        has ``save(path)``.
    folder : path, optional
        `cache_folder` by default. Where it cannot be written to, the dataset is not kept; one warning says
        so.
    load : callable
        Reads what ``save(path)`` wrote, and raises `BrokenFileError` where it cannot.
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    path = Path(cache_folder() if folder is None else folder) / f"{name}-{digest}.npz"
    try:
        if path.is_file():
            return load(path)
    except BrokenFileError as error:
        warnings.warn(f"{error}; making it anew", stacklevel=3)
    except PermissionError:
        pass  # not even allowed to look; the warning comes when it cannot be written either
    dataset = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        dataset.save(path)
    except OSError as error:
        warnings.warn(
            f"{path.parent} cannot be written to ({error}), so {name} will be made again next time; "
            "set MINIVISION_CACHE to a folder of yours",
            stacklevel=3,
        )
    return dataset
