"""The smallest example that shows what a wrong function does, for somebody who wants to look at it number by number."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minivision.checks.call import NotRecordedError, named_results
from minivision.checks.cases import cases_of
from minivision.checks.evidence import flat_results
from minivision.core import backends
from minivision.core.signatures import signature

if TYPE_CHECKING:
    from minivision.core.types import Array, Operation

LARGEST = 600  # numbers in the arguments: more are no longer looked at one by one


class Example(NamedTuple):
    """A case in which a function is wrong.

    Attributes
    ----------
    arguments : dict
        By name.
    expected : dict of str to ndarray
        The right results.
    error : BaseException or None
        What the function raised.
    """

    arguments: dict[str, Any]
    expected: dict[str, Array]
    error: BaseException | None


def smallest_failure(op: Operation, backend: str, *, oracle: str = "reference", seed: int = 0) -> Example | None:
    """Return the smallest case of the checks in which a backend's function is wrong.

    Numbers are rounded and batches are cut to one example, where the right results are known and the function is still
    wrong. Cases in which it raises an error come after those with wrong numbers.

    Parameters
    ----------
    op : operation
    backend : str
        Name of the backend.
    oracle : str
        Name of the backend whose results are right.
    seed : int
        Seed of the numbers in the cases.

    Returns
    -------
    example : Example or None
        None where it is right in all small cases.
    """
    raised = None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for case in _small_cases(op, oracle, seed):
            example = _tried(op, case, backend, oracle)
            if example is not None and example.error is None:
                return _simplified(op, example, backend, oracle)
            raised = raised or example
    return raised


def _small_cases(op, oracle, seed):
    """Return the arguments of cases that can be looked at, by name, the smallest first."""
    cases = cases_of(op, np.random.default_rng(seed), oracle)
    cases = [dict(signature(op).bind(*arrays, **keywords).arguments) for arrays, keywords in cases]
    sizes = [(sum(array.size for array in _arrays(case)), case) for case in cases if all(map(_plain, case.values()))]
    return [case for size, case in sorted(sizes, key=lambda pair: pair[0]) if 0 < size <= LARGEST]


def _arrays(arguments: Mapping[str, Any]):
    return [value for value in arguments.values() if isinstance(value, np.ndarray)]


def _plain(value):
    """Return whether a value can be traced: no generator, whose numbers would be others each time; nothing endless."""
    if isinstance(value, np.random.Generator):
        return False
    return not isinstance(value, np.ndarray) or value.dtype.kind != "f" or bool(np.isfinite(value).all())


def _tried(op, arguments, backend, oracle):
    """Return the example with these arguments, or None where the function is right or the right results not known."""
    given, got, error = copy.deepcopy(arguments), {}, None
    try:
        with backends.backend(oracle):
            expected = flat_results(named_results(op, given), given)
    except (NotRecordedError, ValueError, TypeError):
        return None
    given = copy.deepcopy(arguments)
    try:
        with backends.backend(backend):
            got = flat_results(named_results(op, given), given)
    except (Exception, SystemExit) as raised:  # whatever the user's function raises
        error = raised
    expected = {name: value for name, value in expected.items() if name not in arguments}
    if error is None and all(_alike(got.get(name), value) for name, value in expected.items()):
        return None
    return Example(arguments, expected, error)


def _alike(got, expected):
    expected = np.asarray(expected)
    if not isinstance(got, np.ndarray | np.generic) or got.shape != expected.shape or got.dtype.kind not in "fiub":
        return isinstance(got, int | float) and expected.ndim == 0 and _alike(np.asarray(got), expected)
    return bool(np.allclose(got, expected, rtol=1e-5, atol=1e-6 * max(1.0, float(np.abs(expected).max(initial=0)))))


def _simplified(op, example, backend, oracle):
    """Return a simpler example that is wrong too."""
    for simpler in (_one_example, _rounded):
        tried = _tried(op, simpler(example.arguments), backend, oracle)
        if tried is not None and tried.error is None and any(array.size for array in tried.expected.values()):
            example = tried
    return example


def _one_example(arguments):
    """Return arguments whose arrays are cut to the first example, where they are as long as the first array."""
    batch = next((array.shape[0] for array in _arrays(arguments) if array.ndim), 0)
    return {
        name: value[:1] if isinstance(value, np.ndarray) and value.ndim and value.shape[0] == batch else value
        for name, value in arguments.items()
    }


def _rounded(arguments):
    """Return arguments with numbers that can be read at a glance."""
    return {
        name: np.round(value, 1) if isinstance(value, np.ndarray) and value.dtype.kind == "f" else value
        for name, value in arguments.items()
    }
