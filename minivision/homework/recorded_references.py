"""Results of the reference implementations, recorded for a library that does not contain these implementations.

Why results are recorded
------------------------
The library that students install lacks the bodies of the functions that they write. But ``student.check("conv2d")``
compares with the reference implementation, and to find the cause of a wrong result, it compares with the reference for
other arguments: stride 1, the flipped filter, a single example. Students should read the same diagnoses as with the
whole library.

The cases of a check depend on its seed only, and visible tests use a fixed seed. So the required results are known in
advance, and a release contains them in ``recorded_references.bin``:

1. Which results a diagnosis needs depends on *how* a function is wrong. ``recording.py`` therefore checks functions
   that are wrong in every way (all numbers, the shape, zeros), with limits that let the diagnosis look at every case.
   Meanwhile the backend of :func:`recording_backend` computes all results with the references, and records them.
2. A result is identified by the operation and its arguments (:func:`key`). Floats are rounded, because some arguments
   are results themselves, and differ between machines in their last digits.
3. In a release, the backend of :func:`recorded_backend` looks results up. It is the oracle of ``student.check``: the
   backend whose results count as right. For a result that was not recorded it raises NotRecordedError, and the check
   leaves this diagnosis out.

Nothing is patched: both backends are ordinary ones, registered under a name and removed after use. The results for the
cases of visible tests are no secret. Hidden tests run in the grader, which has the whole library.

Two alternatives were rejected. Compiled reference implementations return right results for all arguments, so students
could call them in place of their own functions. Without the references, a diagnosis finds few causes.
"""

import contextlib
import copy
import hashlib
import pathlib
import zlib

import numpy as np

from minivision.checks import NotRecordedError
from minivision.core.registry import operations
from minivision.core.signatures import signature
from minivision.core.temporary_backend import temporary_backend
from minivision.homework.messages import pack, unpack

FILE = "recorded_references.bin"  # in the folder of a release
DIGITS = 6  # of the floats in a key: not all machines round alike


def key(op, args, kwargs):
    """Return a text that identifies a call of an operation by its arguments.

    Parameters
    ----------
    op : operation
    args : tuple
    kwargs : dict

    Returns
    -------
    key : str
    """
    digest = hashlib.sha256(op.__name__.encode())
    values = signature(op).bind(*args, **kwargs).arguments.values()
    _feed(digest, tuple(values))
    return digest.hexdigest()[:24]


def _feed(digest, value):
    if isinstance(value, (np.ndarray, np.generic)):
        digest.update(f"{value.dtype.str}{value.shape}".encode())
        if value.dtype.kind == "f":
            value = np.round(value.astype(np.float64), DIGITS) + 0.0  # + 0.0 turns -0 into 0
        digest.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, (tuple, list)):
        digest.update(f"{len(value)}(".encode())
        for part in value:
            _feed(digest, part)
    else:
        digest.update(repr(value).encode() + b";")


@contextlib.contextmanager
def recording_backend(names):
    """Register a backend that computes with the reference implementations and notes every result.

    Parameters
    ----------
    names : sequence of str
        Names of the operations.

    Yields
    ------
    backend : str
        Name of the backend.
    results : dict
        Key of a call -> its result; filled as the backend is used.
    """
    results = {}

    def recorder(op):
        def record(*args, **kwargs):
            name = key(op, args, kwargs)
            if name not in results:
                results[name] = op.reference(*args, **kwargs)
            return copy.deepcopy(results[name])

        return record

    with temporary_backend("recording", {name: recorder(operations()[name]) for name in names}) as backend:
        yield backend, results


@contextlib.contextmanager
def recorded_backend(path):
    """Register a backend that looks results up in a file that :func:`save` wrote.

    Parameters
    ----------
    path : path

    Yields
    ------
    backend : str
        Name of the backend. Its functions raise NotRecordedError for calls that were not recorded.
    """
    stored = unpack(pathlib.Path(path).read_bytes())
    ends = np.cumsum(stored["sizes"])
    places = dict(zip(stored["keys"], zip(ends - stored["sizes"], ends, strict=True), strict=True))

    def player(op):
        def play(*args, **kwargs):
            place = places.get(key(op, args, kwargs))
            if place is None:
                raise NotRecordedError(f"the result of {op.__name__} for these arguments was not recorded")
            return unpack(zlib.decompress(stored["results"][slice(*place)]))

        return play

    functions = {name: player(operations()[name]) for name in stored["names"]}
    with temporary_backend("recorded references", functions) as backend:
        yield backend


def save(path, names, results):
    """Write recorded results to a file, each compressed separately, because a check needs only a few of them.

    Parameters
    ----------
    path : path
    names : sequence of str
        Names of the operations.
    results : dict
        As :func:`recording_backend` yields it.
    """
    packed = [zlib.compress(pack(result), 9) for result in results.values()]
    stored = {
        "names": list(names),
        "keys": list(results),
        "sizes": np.array([len(data) for data in packed], np.int64),
        "results": np.frombuffer(b"".join(packed), np.uint8),
    }
    pathlib.Path(path).write_bytes(pack(stored))
