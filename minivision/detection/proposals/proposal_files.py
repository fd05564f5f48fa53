"""Region proposals of many image files: one file of boxes for each, computed by any executor, resumable."""

from __future__ import annotations

import functools
import os
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.core.folder_lock import folder_lock
from minivision.core.progress import progress_bar
from minivision.core.types import Array
from minivision.data.images import BrokenFileError, read_file, read_image
from minivision.detection.selective_search.search import MODES, selective_search
from minivision.executors import Executor, open_executor


def propose_files(
    paths: Iterable[str | os.PathLike],
    out: str | os.PathLike,
    mode: str = "fast",
    *,
    executor: Executor | None = None,
    jobs: int = 1,
    progress: bool = False,
) -> tuple[int, list[tuple[Path, str]]]:
    """Write the proposals of image files, each to an ``.npz`` file of its own.

    Existing files are kept, unless their image is newer; so a run that was stopped can be continued. This process alone
    reads images and writes files: an executor's workers need no access to them.

    Parameters
    ----------
    paths : sequence of paths
        Paths of images. The boxes of ``photo.jpg`` are written to ``photo.jpg.npz``: arrays ``boxes`` (K, 4), x1 y1 x2
        y2 in pixels and the most promising first, ``size``, the image's height and width, and ``mode``.
    out : path
        Folder of the files; it is created if necessary.
    mode : str
        As in `selective_search`.
    executor : Executor, optional
        Computes them, such as `minivision.executors.Cluster` in a ``with`` block. By default `jobs` processes of this
        machine.
    jobs : int
        Number of processes, if no executor is given.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    made : int
        Number of files that were written.
    failed : list of (path, str)
        Images that could not be read, and the reason.

    Raises
    ------
    ValueError
        If there is no such mode, two images have the same name, or `out` contains proposals of another mode.
    OSError
        If `out` cannot be written to, another process writes to it, a process was killed, or the cluster is gone.
    """
    out = Path(out)
    if mode not in MODES:
        raise ValueError(f"mode: expected {', '.join(map(repr, MODES))}, got {mode!r}")
    targets: dict[Path, Path] = {}
    for path in map(Path, paths):
        if targets.setdefault(out / f"{path.name}.npz", path) != path:
            raise ValueError(f"two images are called {path.name}; their boxes would go to the same file")
    out.mkdir(parents=True, exist_ok=True)
    with folder_lock(out):
        missing = [(path, target) for target, path in targets.items() if not _is_done(path, target, mode)]
        if executor is not None:
            return _propose(missing, len(targets), mode, executor, progress)
        with open_executor(max(1, min(jobs, len(missing)))) as own:
            return _propose(missing, len(targets), mode, own, progress)


def load_proposals(path: str | os.PathLike) -> Array:
    """Return the boxes ``(K, 4)`` in a file of `propose_files`."""
    with np.load(path, allow_pickle=False) as file:
        return file["boxes"]


def _propose(missing, total, mode, executor, progress):
    failed: list[tuple[Path, str]] = []
    targets = dict(missing)
    with progress_bar(
        total=total, initial=total - len(missing), unit="image", disable=not progress, leave=False
    ) as bar:
        pieces = _contents(targets, failed, bar)
        for outcome in executor.map_unordered(functools.partial(propose_image, mode), pieces):
            path, _ = outcome.piece
            if outcome.failure is None:
                boxes, size = outcome.result
                with atomic_write(targets[path]) as partial, open(partial, "wb") as file:
                    np.savez(file, boxes=boxes, size=np.array(size), mode=np.array(mode))
            else:
                failed.append((path, _reason(path, outcome.failure.message)))
            bar.update()
    return len(missing) - len(failed), failed


def _contents(paths, failed, bar) -> Iterator[tuple[Path, bytes]]:
    """Yield each path with what the file holds; what cannot be read is put into `failed`."""
    for path in paths:
        try:
            yield path, read_file(path)
        except BrokenFileError as error:
            failed.append((path, _reason(path, str(error))))
            bar.update()


def _reason(path, message):
    return message if str(path) in message else f"{path}: {message}"


def propose_image(mode: str, piece: tuple[Path, bytes]) -> tuple[Array, tuple[int, int]]:
    """Return the proposals of an image file, given its path and its content, and the image's height and width."""
    image = read_image(piece[0], content=piece[1])
    return selective_search(image, mode), image.shape[:2]


def _is_done(path, target, mode):
    try:
        with np.load(target, allow_pickle=False) as file:
            existing = str(file["mode"])
        is_newer = path.stat().st_mtime > target.stat().st_mtime
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # missing, damaged, or no image
        return False
    if existing != mode:
        raise ValueError(f"{target} contains proposals of mode {existing!r}, not {mode!r}; choose another folder")
    return not is_newer
