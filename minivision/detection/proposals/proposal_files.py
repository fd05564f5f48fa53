"""The proposals for many image files: one file of boxes for each, by several processes, resumable."""

import concurrent.futures
import multiprocessing
import os
import signal
import zipfile
from pathlib import Path

import numpy as np

from minivision.core.atomic import atomic_write
from minivision.data.images import read_image
from minivision.detection.selective_search.search import MODES, selective_search


def propose_files(paths, out, mode="fast", *, executor=None, jobs=1, progress=False):
    """Write the proposals for image files, each into an ``.npz`` file of its own.

    What is there already is not made again, unless its image is newer; so a run that was stopped goes on.

    Parameters
    ----------
    paths : sequence of paths
        Of images. The boxes for ``photo.jpg`` go to ``photo.jpg.npz``: arrays ``boxes`` (K, 4), x1 y1 x2 y2 in pixels
        and the most promising first, ``size``, the image's height and width, and ``mode``.
    out : path
        The folder they go to; it is made if need be.
    mode : str
        As in `selective_search`.
    executor : concurrent.futures.Executor, optional
        Who does the work: anything that has ``submit(function, *args)`` and returns futures, such as mpi4py's
        ``MPIPoolExecutor()`` or Dask's ``client.get_executor()``, whose workers see the same files. By default
        `spawned_processes` of this machine. A given one is not shut down.
    jobs : int
        How many processes, where no executor is given.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    made : int
        How many files were written.
    failed : list of (path, str)
        Images that could not be used, and why.

    Raises
    ------
    ValueError
        Where there is no such mode, two images have the same name, or `out` holds proposals of another mode.
    OSError
        Where `out` cannot be written to, or a process was killed.
    """
    out = Path(out)
    if mode not in MODES:
        raise ValueError(f"mode: expected {', '.join(map(repr, MODES))}, got {mode!r}")
    targets = {}
    for path in map(Path, paths):
        if targets.setdefault(out / f"{path.name}.npz", path) != path:
            raise ValueError(f"two images are called {path.name}; their boxes would go to the same file")
    out.mkdir(parents=True, exist_ok=True)
    missing = [(path, target) for target, path in targets.items() if not _is_done(path, target, mode)]
    if executor is None:
        with spawned_processes(max(1, min(jobs, len(missing)))) as own:
            return _propose(missing, len(targets), mode, own, progress)
    return _propose(missing, len(targets), mode, executor, progress)


def spawned_processes(jobs):
    """Return an executor of `jobs` new processes with one Numba thread each.

    They are spawned, not forked: a fork of a process with threads may hang. A program that calls this needs the
    usual ``if __name__ == "__main__":``.
    """
    context = multiprocessing.get_context("spawn")
    return concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_process)


def load_proposals(path):
    """Return the boxes ``(K, 4)`` in a file that `propose_files` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return file["boxes"]


def _begin_process():
    """Leave other cores to the other processes, and Ctrl-C to the one that began them."""
    os.environ["NUMBA_NUM_THREADS"] = "1"
    import numba

    numba.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _propose(missing, total, mode, executor, progress):
    from tqdm import tqdm

    failed = []
    futures = {executor.submit(propose_file, path, target, mode): path for path, target in missing}
    try:
        with tqdm(total=total, initial=total - len(missing), unit="image", disable=not progress, leave=False) as bar:
            for future in concurrent.futures.as_completed(futures):
                reason = future.result()
                if reason is not None:
                    failed.append((futures[future], reason))
                bar.update()
    except concurrent.futures.BrokenExecutor as error:
        raise OSError("a process was killed, perhaps for want of memory; the same again goes on") from error
    finally:
        for future in futures:
            future.cancel()  # does nothing where it is done
    return len(missing) - len(failed), failed


def propose_file(path, target, mode):
    """Write the proposals for one image file; return None, or why the image cannot be used."""
    try:
        image = read_image(path)
    except ValueError as error:
        return str(error)
    boxes = selective_search(image, mode)
    with atomic_write(target) as beside, open(beside, "wb") as file:
        np.savez(file, boxes=boxes, size=np.array(image.shape[:2]), mode=np.array(mode))
    return None


def _is_done(path, target, mode):
    try:
        with np.load(target, allow_pickle=False) as file:
            found = str(file["mode"])
        is_newer = path.stat().st_mtime > target.stat().st_mtime
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # missing, damaged, or no image
        return False
    if found != mode:
        raise ValueError(f"{target} holds proposals of mode {found!r}, not {mode!r}; choose another folder")
    return not is_newer
