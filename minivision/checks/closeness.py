"""Compare results with the reference implementation's, and summarize what is wrong over all cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.checks.diagnoses import diagnose_cases, dtype_diagnosis
from minivision.checks.evidence import Evidence
from minivision.checks.report import Failure, pattern, worst_elements

if TYPE_CHECKING:
    from minivision.core.types import Operation

# Largest error of a value relative to the largest of the right values.
TOLERANCE: dict[type, float] = {np.float64: 1e-9, np.float32: 1e-4}
# Where the largest value is below this, it may be nothing but rounding.
SMALLEST_SCALE: dict[type, float] = {
    np.float64: 1e-3,
    np.float32: 1.0,
}


class Finding(NamedTuple):
    """Something that is wrong in one case.

    Attributes
    ----------
    key : tuple of str
        Kind, name, and more if needed; findings of several cases with the same key are reported once.
    what : str
        A sentence, such as "dx is wrong".
    details : str
        The worst elements, or the line that raised an error.
    diagnosis : str, optional
        The likely mistake, where it is already known.
    evidence : Evidence, optional
        What a diagnosis can be made from.
    """

    key: tuple[str, ...]
    what: str
    details: str = ""
    diagnosis: str | None = None
    evidence: Evidence | None = None


class Findings:
    """All that is wrong with one function, by kind."""

    ORDER = ("result", "raised", "not yet", "input", "type", "shape", "dtype", "values", "gradients", "adjoint")

    def __init__(self) -> None:
        # key -> [(finding, operation, arguments), ...]
        self._by_key: dict[tuple[str, ...], list[tuple[Finding, Operation, dict[str, Any]]]] = {}
        # name of a result -> what makes the evidence of each case in which it is right
        self._right: dict[str, list[Callable[[], Evidence]]] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def add(self, finding: Finding, op: Operation, arguments: dict[str, Any]) -> None:
        """Add a finding about a call of an operation with these arguments."""
        self._by_key.setdefault(finding.key, []).append((finding, op, arguments))

    def add_right(self, name: str, evidence: Callable[[], Evidence]) -> None:
        """Add a result that is right in a case: a cause of what is wrong in another has to explain it too."""
        self._right.setdefault(name, []).append(evidence)

    def count(self, *kinds: str) -> int:
        """Return the number of cases with findings of these kinds."""
        return sum(len(found) for key, found in self._by_key.items() if key[0] in kinds)

    def about(self, name: str | None) -> bool:
        """Return whether there is a finding about a result, or an exception, which is about all results."""
        return any(key[0] in ("result", "raised", "not yet", "input") or key[1] == name for key in self._by_key)

    def failures(self, cases: Sequence[dict[str, Any]], max_diagnosed_cases: int) -> list[Failure]:
        """Return the findings as failures.

        Parameters
        ----------
        cases : list of dict
            The arguments of all cases of the function.
        max_diagnosed_cases : int
            See :class:`minivision.checks.Limits`.
        """
        keys = sorted(self._by_key, key=lambda key: (_empty(self._by_key[key]), self.ORDER.index(key[0])))
        return [self._failure(key, cases, max_diagnosed_cases) for key in keys]

    def _failure(self, key, cases, max_diagnosed_cases):
        found = self._by_key[key]
        others = []
        if any(finding.evidence for finding, *_ in found):
            others = [make() for make in self._right.get(key[1], ())]
            for other_key, other_found in self._by_key.items():
                if other_key != key and other_key[1:2] == key[1:2]:
                    others += [finding.evidence for finding, *_ in other_found if finding.evidence]
        return _failure(found, others, cases, max_diagnosed_cases)


def _empty(found):
    """Return whether all of the findings are about empty arrays: they come last."""
    return all(any(array.size == 0 for array in _arrays(arguments)) for *_, arguments in found)


def _arrays(arguments):
    return [value for value in arguments.values() if isinstance(value, np.ndarray)]


def _failure(found, others, cases, max_diagnosed_cases):
    """Return what several cases have in common, with the simplest of them that has a diagnosis.

    `others` is evidence of the same result in cases in which it is right, or wrong in another way.
    """
    found = sorted(found, key=lambda case: (case[0].diagnosis is None, _complexity(*case[1:])))
    finding, op, arguments = found[0]
    diagnosis = finding.diagnosis
    if finding.evidence:
        with_evidence = [case for case in found if case[0].evidence]  # a failure in float32 only has none
        evidence = [finding.evidence for finding, *_ in with_evidence]
        others = [*evidence[max_diagnosed_cases:], *others]
        diagnosis, place = diagnose_cases(evidence[:max_diagnosed_cases], others)
        finding, op, arguments = with_evidence[place]
    failing = [failing_arguments for *_, failing_arguments in found]
    passing = [case for case in cases if not any(case is failing_arguments for failing_arguments in failing)]
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


def compare(
    op: Operation,
    arguments: dict[str, Any],
    name: str,
    got: Any,
    expected: Any,
    dtype: type,
    *,
    oracle: str,
    shared: dict[str, Any],
    also: dict[str, Any] | None = None,
    tolerance: float = 0.0,
) -> tuple[Finding | None, float]:
    """Compare one result with the right one.

    Parameters
    ----------
    op : operation
    arguments : dict
        Its arguments by name.
    name : str
        Name of the result.
    got, expected : object
        Arrays, or numbers.
    dtype : type
        Dtype of the arguments: np.float64 or np.float32.
    oracle, shared, also
        See :class:`Evidence`.
    tolerance : float
        The largest error that counts as right, where it is above that of ``TOLERANCE``.

    Returns
    -------
    finding : Finding or None
    error : float
        The largest, relative to the largest value that was expected; infinite where nothing can be compared.
    """
    if not isinstance(got, (np.ndarray, np.generic, bool, int, float)):
        return Finding(("type", name), f"{name} is of type {type(got).__name__}, expected an array"), np.inf
    got, expected = np.asarray(got), np.asarray(expected)
    evidence = None
    if dtype is np.float64:
        evidence = Evidence(op, arguments, name, got, expected, oracle=oracle, shared=shared, also=also)
    if got.shape != expected.shape:
        what = f"{name} has shape {got.shape}, expected {expected.shape}"
        return Finding(("shape", name), what, evidence=evidence), np.inf
    floats = expected.dtype.kind == "f"
    if got.dtype != expected.dtype and expected.ndim > 0 and (floats or got.dtype.kind not in "iub"):
        what = f"{name} has dtype {got.dtype}, expected {expected.dtype if floats else 'integers'}"
        diagnosis = dtype_diagnosis(got.dtype, expected.dtype) if floats else None
        return Finding(("dtype", name), what, diagnosis=diagnosis), _relative_error(got, expected, dtype).max(initial=0)
    error = _relative_error(got, expected, dtype)
    worst, tolerance = float(error.max(initial=0)), max(tolerance, TOLERANCE[dtype])
    if worst <= tolerance:
        return None, worst
    wrong = np.sum(error > tolerance)
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
