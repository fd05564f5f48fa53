"""Region proposals of many image files: one file of boxes for each, computed by several processes, resumable."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import signal
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.core.folder_lock import folder_lock
from minivision.core.parent_watch import end_with_parent
from minivision.core.progress import progress_bar
from minivision.core.types import Array
from minivision.data.images import read_image
from minivision.detection.selective_search.search import MODES, selective_search


def propose_files(
    paths: Iterable[str | os.PathLike],
    out: str | os.PathLike,
    mode: str = "fast",
    *,
    executor: concurrent.futures.Executor | None = None,
    jobs: int = 1,
    progress: bool = False,
) -> tuple[int, list[tuple[Path, str]]]:
    """Write the proposals of image files, each to an ``.npz`` file of its own.

    Existing files are kept, unless their image is newer; so a run that was stopped can be continued.

    Parameters
    ----------
    paths : sequence of paths
        Paths of images. The boxes of ``photo.jpg`` are written to ``photo.jpg.npz``: arrays ``boxes`` (K, 4), x1 y1 x2
        y2 in pixels and the most promising first, ``size``, the image's height and width, and ``mode``.
    out : path
        Folder of the files; it is created if necessary.
    mode : str
        As in `selective_search`.
    executor : concurrent.futures.Executor, optional
        Runs the work: any object with ``submit(function, *args)`` that returns futures, such as mpi4py's
        ``MPIPoolExecutor()`` or Dask's ``client.get_executor()``, whose workers have access to the same files. By
        default `spawned_processes` of this machine. A given executor is not shut down.
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
        If `out` cannot be written to, another process writes to it, or a process was killed.
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
        return _propose_missing(targets, mode, executor, jobs, progress)


def _propose_missing(targets, mode, executor, jobs, progress):
    missing = [(path, target) for target, path in targets.items() if not _is_done(path, target, mode)]
    if executor is None:
        with spawned_processes(max(1, min(jobs, len(missing)))) as own:
            return _propose(missing, len(targets), mode, own, progress)
    return _propose(missing, len(targets), mode, executor, progress)


def spawned_processes(jobs: int) -> concurrent.futures.ProcessPoolExecutor:
    """Return an executor of `jobs` new processes with one Numba thread each.

    They are spawned, not forked: a fork of a process with threads may hang. A program that calls this function needs
    the usual ``if __name__ == "__main__":``.
    """
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_process)


def load_proposals(path: str | os.PathLike) -> Array:
    """Return the boxes ``(K, 4)`` in a file of `propose_files`."""
    with np.load(path, allow_pickle=False) as file:
        return file["boxes"]


def _begin_process():
    """Use one core, leave Ctrl-C to the parent process, and end with it."""
    end_with_parent()
    os.environ["NUMBA_NUM_THREADS"] = "1"
    with contextlib.suppress(ImportError):
        import numba

        numba.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _propose(missing, total, mode, executor, progress):
    failed = []
    futures = {executor.submit(propose_file, path, target, mode): path for path, target in missing}
    try:
        with progress_bar(
            total=total, initial=total - len(missing), unit="image", disable=not progress, leave=False
        ) as bar:
            for future in concurrent.futures.as_completed(futures):
                reason = future.result()
                if reason is not None:
                    failed.append((futures[future], reason))
                bar.update()
    except concurrent.futures.BrokenExecutor as error:
        raise OSError("a process was killed, perhaps by lack of memory; run the same again to continue") from error
    finally:
        for future in futures:
            future.cancel()  # does nothing where it is done
    return len(missing) - len(failed), failed


def propose_file(path: Path, target: Path, mode: str) -> str | None:
    """Write the proposals of one image file; return None, or the reason why the image cannot be read."""
    try:
        boxes = selective_search(image := read_image(path), mode)
    except ValueError as error:  # also of an image that is too large
        return str(error) if str(path) in str(error) else f"{path}: {error}"
    with atomic_write(target) as partial, open(partial, "wb") as file:
        np.savez(file, boxes=boxes, size=np.array(image.shape[:2]), mode=np.array(mode))
    return None


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
