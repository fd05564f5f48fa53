"""Reads a checkpoint that somebody handed in: what it may hold is checked before it is read."""

import zipfile

from minivision.training import Checkpoint

MAX_ARRAYS = 2000


def read_checkpoint(path, max_bytes):
    """Return a checkpoint of which nothing is known. Nothing in it is executed or unpickled.

    Parameters
    ----------
    path : Path
    max_bytes : int
        How large it may be when it is unpacked.

    Returns
    -------
    checkpoint : Checkpoint
        Its system and options are whatever its author wrote.

    Raises
    ------
    ValueError
        If it is too large, or not a checkpoint.
    """
    count, size = _arrays_and_bytes(path)
    if count > MAX_ARRAYS:
        raise ValueError(f"{path}: it has {count} arrays, and more than {MAX_ARRAYS} are not read")
    if size > max_bytes:
        raise ValueError(f"{path}: it unpacks to {size >> 20} MiB, and more than {max_bytes >> 20} are not read")
    return Checkpoint.load(path)


def _arrays_and_bytes(path):
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = [entry.file_size for entry in archive.infolist()]
    except Exception:  # no archive, or a damaged one: `Checkpoint.load` says so
        return 0, 0
    return len(sizes), sum(sizes)
