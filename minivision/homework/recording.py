"""Recording of the reference results that the checks of visible tests may ask for.

See :mod:`minivision.homework.recorded_references` for the reasons and the format.
"""

import numpy as np

from minivision.checks import Limits, check_operation
from minivision.core.registry import operations
from minivision.core.temporary_backend import temporary_backend
from minivision.homework.plugin import VISIBLE, HomeworkPlugin, run_pytest
from minivision.homework.recorded_references import recording_backend, save
from minivision.homework.student import is_small

NO_LIMITS = Limits(max_diagnosed_cases=10**9, huge_coordinate=1e9)  # diagnose every case


def record(assignment, path):
    """Write a file with all results that ``student.check`` may ask for with the seed of visible tests.

    Parameters
    ----------
    assignment : Assignment
    path : path
        Path of the file.

    Returns
    -------
    count : int
        Number of recorded results.
    """
    names = [function.rpartition(".")[2] for function in assignment.withheld]
    names = [name for name in names if name in operations()]
    keeps = _keeps(assignment)
    with recording_backend(names) as (oracle, results):
        for function in assignment.functions:
            name = function.rpartition(".")[2]
            if name not in names:  # a plain function: its tests have their right values
                continue
            for keep in keeps.get(name, [None]):
                for spoil in (_right, _noisy, _longer, _zeros):
                    _check(name, names, spoil, keep, oracle)
    save(path, names, results)
    return len(results)


def _keeps(assignment):
    """Return the `keep` arguments that visible tests check each function with: name -> list of callables or None."""
    plugin = _KeepCollector(assignment, assignment.folder / assignment.file)
    if any((assignment.folder / VISIBLE).glob("test_*.py")):
        run_pytest(plugin, (VISIBLE,))
    return plugin.keeps


class _KeepCollector(HomeworkPlugin):
    """Runs tests with itself as their student, and only notes which checks they ask for."""

    used = 0.0  # seconds of a student's code

    def __init__(self, assignment, file):
        super().__init__(assignment, file)
        self.keeps = {}

    def student_for(self, item):
        return self

    def check(self, name, *, seed=0, keep=None, empty=()):
        self.keeps.setdefault(name, []).append(keep)


def _check(name, names, spoil, keep, oracle):
    """Check a function whose results are spoiled, so that the check looks for the cause in every case."""
    functions = {each: _spoiled(operations()[each], spoil if each == name else _right) for each in names}
    with temporary_backend("spoiled", functions) as backend:
        check_operation(
            name,
            backend,
            keep=lambda case: is_small(case) and (keep is None or keep(case)),
            oracle=oracle,
            limits=NO_LIMITS,
        )


def _spoiled(op, spoil):
    def function(*args, **kwargs):
        result = op.reference(*args, **kwargs)
        return tuple(map(spoil, result)) if isinstance(result, tuple) else spoil(result)

    return function


def _right(value):
    return value


def _noisy(value):
    """Make all numbers wrong, in a way that no diagnosis explains."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return value
    noise = 1 + np.random.default_rng(np.size(value)).random(np.shape(value))
    if value.dtype.kind == "f":
        return (value * noise + noise).astype(value.dtype)
    return ~value if value.dtype == bool else value + np.ceil(3 * noise).astype(value.dtype)


def _longer(value):
    """Append a row along every axis, and make all numbers wrong."""
    if np.ndim(value) == 0:
        return _noisy(value)
    return np.pad(_noisy(value), [(0, 1)] * np.ndim(value), mode="edge") if np.size(value) else value


def _zeros(value):
    return np.zeros_like(value) if isinstance(value, (np.ndarray, np.generic)) else value
