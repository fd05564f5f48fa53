"""One result beside the textbook's, and what many such comparisons have in common."""

from typing import NamedTuple

import numpy as np

from minivision.checks.diagnoses.diagnose import diagnose_cases, dtype_diagnosis
from minivision.checks.evidence import Evidence
from minivision.checks.report import Failure, pattern, worst_elements

# How far values may be from the textbook's, relative to the largest of them.
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-4}
SMALLEST_SCALE = {np.float64: 1e-3, np.float32: 1.0}  # a largest value below this may be nothing but rounding
DIAGNOSED = 10  # failing cases whose numbers are looked at


class Finding(NamedTuple):
    """Something that is wrong in one case.

    Attributes
    ----------
    key : tuple of str
        Kind, name, and more if need be; what has the same key in several cases is told once.
    what : str
        A sentence, such as "dx is wrong".
    details : str
        The worst elements, or the line that raised an error.
    diagnosis : str, optional
        What was probably written, where that is known already.
    evidence : Evidence, optional
        From which it can be found out.
    """

    key: tuple
    what: str
    details: str = ""
    diagnosis: str | None = None
    evidence: Evidence | None = None


class Findings:
    """All that was found wrong with one function, told once for each kind."""

    ORDER = ("result", "raised", "not yet", "input", "type", "shape", "dtype", "values", "gradients", "adjoint")

    def __init__(self):
        self._by_key = {}  # key -> [(finding, operation, arguments), ...]

    def __len__(self):
        return len(self._by_key)

    def add(self, finding, op, arguments):
        """Note a finding for a call of an operation, by its arguments."""
        self._by_key.setdefault(finding.key, []).append((finding, op, arguments))

    def count(self, *kinds):
        """Return in how many cases something of these kinds was found."""
        return sum(len(found) for key, found in self._by_key.items() if key[0] in kinds)

    def about(self, name):
        """Return whether something was found about a result, or an exception, which is about all results."""
        return any(key[0] in ("result", "raised", "not yet", "input") or key[1] == name for key in self._by_key)

    def failures(self, cases):
        """Return what was found as a list of failures; `cases` are the arguments of all cases of the function."""
        keys = sorted(self._by_key, key=lambda key: (_empty(self._by_key[key]), self.ORDER.index(key[0])))
        return [_failure(self._by_key[key], cases) for key in keys]


def _empty(found):
    """Return whether something was found for empty arrays only: that comes last."""
    return all(any(array.size == 0 for array in _arrays(arguments)) for *_, arguments in found)


def _arrays(arguments):
    return [value for value in arguments.values() if isinstance(value, np.ndarray)]


def _failure(found, cases):
    """Tell what several cases have in common, for the simplest of them whose mistake has a known face."""
    found = sorted(found, key=lambda case: (case[0].diagnosis is None, _complexity(*case[1:])))
    finding, op, arguments = found[0]
    diagnosis = finding.diagnosis
    if finding.evidence:
        told = [case for case in found if case[0].evidence]  # what fails in float32 only has none
        evidence = [finding.evidence for finding, *_ in told]
        diagnosis, place = diagnose_cases(evidence[:DIAGNOSED], evidence[DIAGNOSED:])
        finding, op, arguments = told[place]
    failing = [its_arguments for *_, its_arguments in found]
    passing = [case for case in cases if not any(case is its_arguments for its_arguments in failing)]
    common = pattern(op, failing, passing) if len(failing) + len(passing) == len(cases) else ""
    name = finding.key[1] if finding.key[0] not in ("raised", "not yet") else ""
    return Failure(finding.what, name, op.__name__, arguments, len(found), finding.details, common, diagnosis)


def _complexity(op, arguments):
    """Return how hard a case is to learn from: easiest are plain settings and arrays of about a hundred numbers."""
    arrays = _arrays(arguments)
    size = sum(array.size for array in arrays)
    single = bool(arrays) and arrays[0].shape[:1] == (1,)  # one image hides what a batch shows
    settings = sum(name in arguments for name in op.keywords)
    return settings + 2 * single + abs(np.log10(max(size, 1)) - 2)


def compare(op, arguments, name, got, expected, dtype, shared):
    """Compare a result with the textbook's.

    Parameters
    ----------
    op : operation
    arguments : dict
        What it was called with, by name.
    name : str
        The name of the result.
    got, expected : object
        Arrays, or numbers.
    dtype : type
        That of the arguments: np.float64 or np.float32.
    shared : dict
        The same for all results of a call, see :class:`Evidence`.

    Returns
    -------
    finding : Finding or None
    error : float
        The largest, relative to the largest value that was expected; infinite where nothing can be compared.
    """
    if not isinstance(got, (np.ndarray, np.generic, bool, int, float)):
        return Finding(("type", name), f"{name} is of type {type(got).__name__}, expected an array"), np.inf
    got, expected = np.asarray(got), np.asarray(expected)
    evidence = Evidence(op, arguments, name, got, expected, shared=shared) if dtype is np.float64 else None
    if got.shape != expected.shape:
        what = f"{name} has shape {got.shape}, expected {expected.shape}"
        return Finding(("shape", name), what, evidence=evidence), np.inf
    floats = expected.dtype.kind == "f"
    if got.dtype != expected.dtype and expected.ndim > 0 and (floats or got.dtype.kind not in "iub"):
        what = f"{name} has dtype {got.dtype}, expected {expected.dtype if floats else 'integers'}"
        diagnosis = dtype_diagnosis(got.dtype, expected.dtype) if floats else None
        return Finding(("dtype", name), what, diagnosis=diagnosis), _relative_error(got, expected, dtype).max(initial=0)
    error = _relative_error(got, expected, dtype)
    worst = float(error.max(initial=0))
    if worst <= TOLERANCE[dtype]:
        return None, worst
    wrong = np.sum(error > TOLERANCE[dtype])
    only = "" if dtype is np.float64 else ", in float32 only"
    details = f"{got!s} given, {expected!s} is right"
    if expected.ndim:
        details = f"{wrong} of {error.size} elements, the worst:\n{worst_elements(got, expected, error)}"
    return Finding(("values", name, only), f"{name} is wrong{only}", details, evidence=evidence), worst


def _relative_error(got, expected, dtype):
    """Return the error of each element relative to the largest value; infinite where one of the two is not finite."""
    if expected.dtype.kind != "f":
        return np.where(got == expected, 0.0, 1.0)
    scale = max(np.abs(expected).max(initial=0, where=np.isfinite(expected)), SMALLEST_SCALE[dtype])
    equal = (got == expected) | (np.isnan(got) & np.isnan(expected))
    error = np.where(equal, 0.0, np.abs(got - expected) / scale)
    return np.where(np.isnan(error), np.inf, error)
