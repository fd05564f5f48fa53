"""Grading on a Dask cluster: a piece of work is a submission, of which the files to grade are sent."""

import contextlib
import functools
import io
import pathlib
import tarfile
import tempfile

from minivision.checks import StudentFileError
from minivision.executors import Cluster
from minivision.homework.batch_grading import missing_protections, not_graded, student_library
from minivision.homework.grading import grade
from minivision.homework.handed_in import HandedIn
from minivision.homework.manifest import assignments, load_assignment

MAX_BYTES = 32 << 20  # of the files of an assignment


def grade_on_cluster(address, assignment, paths, *, seed=None, isolated=True):
    """Grade several submissions on the workers of a cluster.

    Parameters
    ----------
    address : str
        Of the scheduler, ``tcp://HOST:PORT``.
    assignment : Assignment
    paths : sequence of path
        Submissions on this machine.
    seed, isolated
        See :func:`minivision.homework.grading.grade`.

    Yields
    ------
    report : SubmissionReport
        One for each submission, in the order in which they are finished.

    Raises
    ------
    ValueError
        If a worker does not protect itself from submissions, or has other versions.
    OSError
        If there is no cluster.
    """
    refused = []

    def pieces():
        for path in paths:
            try:
                yield str(path), HandedIn.read(assignment, path)
            except StudentFileError:
                refused.append(path)

    own = assignment.folder.name if assignment.folder.name in assignments() else packed(assignment.folder)
    with Cluster(address) as cluster:
        if isolated:
            _require_protections(cluster)
        function = functools.partial(grade_sent, own, seed, isolated)
        for outcome in cluster.map_unordered(function, pieces()):
            if outcome.failure is None:
                yield outcome.result
            else:
                yield not_graded(assignment, outcome.piece[0], seed, outcome.failure.message)
    for path in refused:  # their reports say why; no code of them runs
        yield grade(assignment, path, library=None, seed=seed, isolated=isolated)


def grade_sent(own, seed, isolated, piece):
    """Grade a submission on a worker.

    Parameters
    ----------
    own : str or bytes
        The name of an assignment of the library, or a packed one.
    seed, isolated
        See :func:`minivision.homework.grading.grade`.
    piece : (str, HandedIn)
        The submission's path on the client's machine, and what it contains.

    Returns
    -------
    report : SubmissionReport

    Raises
    ------
    ValueError
        If this machine does not protect itself from submissions.
    """
    path, handed_in = piece
    assignment, library = _prepared(own)
    report = grade(assignment, path, handed_in=handed_in, library=library, seed=seed, isolated=isolated)
    if isolated and report.unprotected:
        raise ValueError(f"this worker does not protect itself from submissions: {'; '.join(report.unprotected)}")
    return report


@functools.lru_cache(maxsize=1)
def _prepared(own):
    """Return an assignment and the folder of the library as students have it; both last as long as this process."""
    where = own
    if isinstance(own, bytes):
        folder = _kept.enter_context(tempfile.TemporaryDirectory(prefix="minivision-"))
        unpack(own, folder)
        (where,) = pathlib.Path(folder).iterdir()
    assignment = load_assignment(where)
    return assignment, _kept.enter_context(student_library(assignment))


_kept = contextlib.ExitStack()  # on a worker: temporary folders that are deleted when it ends


def packed(path):
    """Return a file, or a folder with its files, as an archive; links and what is no file are left out.

    Raises
    ------
    ValueError
        If the files are too large to be sent.
    """
    path = pathlib.Path(path)
    size = sum(each.stat().st_size for each in (path, *path.rglob("*")) if each.is_file() and not each.is_symlink())
    if size > MAX_BYTES:
        raise ValueError(f"{path} holds {size >> 20} MB, and {MAX_BYTES >> 20} MB are sent at most; take something out")
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:") as archive:
        archive.add(path, path.name, filter=lambda entry: entry if entry.isfile() or entry.isdir() else None)
    return content.getvalue()


def unpack(content, folder):
    """Unpack what `packed` returned into a folder."""
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as archive:
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))  # not in 3.11.3


def _require_protections(cluster):
    found = cluster.run_on_workers(missing_protections)
    missing = {worker: str(each) if isinstance(each, Exception) else "; ".join(each) for worker, each in found.items()}
    for worker, sentence in missing.items():
        if sentence:
            raise ValueError(
                f"nothing is graded, since the worker {worker} does not protect itself from submissions: {sentence}. "
                "Start it as root on Linux, or give --unlocked if you trust the submissions"
            )
