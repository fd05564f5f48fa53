"""Which answers a check may ask for: found by checking functions that are wrong in every way."""

import contextlib
import inspect
import runpy
import types
import unittest.mock

import numpy as np

from minivision.checks import check_operation, conformance
from minivision.checks import closeness as comparison
from minivision.core import backends
from minivision.core.registry import operations
from minivision.homework.recorded_references import recording, save
from minivision.homework.student import small

_EVERY = 10**9


def record(assignment, path):
    """Write down all that `student.check` asks of the textbook with the seed of visible tests; return their number."""
    names = [function.rpartition(".")[2] for function in (*assignment.functions, *assignment.functions_held_back)]
    names = [name for name in names if name in operations()]
    bodies = {name: operations()[name].reference for name in names}
    checked = [function.rpartition(".")[2] for function in assignment.functions]
    keeps = _keeps(assignment)
    with recording(names) as answers:
        for name in checked:
            for keep in keeps.get(name, [None]):
                for spoil in (_right, _noisy, _longer, _only_shape):
                    _check(name, bodies, spoil, keep)
    save(path, names, answers)
    return len(answers)


def _keeps(assignment):
    """Return, for each function that visible tests check, by which cases they do: a list of `keep` or None."""
    import pytest

    listener = _Listener()
    for path in sorted((assignment.folder / "tests").glob("test_*.py")):
        with unittest.mock.patch.object(pytest, "mark", _NoMarks()):  # which nobody has to know here
            tests = runpy.run_path(str(path))
        for name, test in tests.items():
            if name.startswith("test_"):
                with contextlib.suppress(Exception):  # all that is not a check comes to nothing
                    test(listener)
    return listener.keeps


class _NoMarks:
    """In place of ``pytest.mark``: every mark leaves its test as it is."""

    def __getattr__(self, name):
        return lambda *_, **__: lambda test: test


class _Listener:
    """A student whose functions are not there; it only notes what is checked."""

    def __init__(self):
        self.keeps = {}  # name -> list of `keep`

    def check(self, name, *, seed=0, keep=None):
        self.keeps.setdefault(name, []).append(keep)


def _check(name, bodies, spoil, keep):
    """Check a function that is wrong, looking into every case where an ordinary check stops after some."""
    module = types.ModuleType("spoiled")
    for other, body in bodies.items():
        setattr(module, other, _stand_in(module, body, spoil if other == name else _right))
    backends.register_backend("spoiled", module)
    patch = unittest.mock.patch.object
    with patch(comparison, "DIAGNOSED", _EVERY), patch(conformance, "HUGE", _EVERY):
        check_operation(name, "spoiled", keep=lambda case: small(case) and (keep is None or keep(case)))


def _stand_in(module, body, spoil):
    def function(*args, **kwargs):
        result = body(*args, **kwargs)
        return tuple(map(spoil, result)) if isinstance(result, tuple) else spoil(result)

    function.__name__, function.__module__, function.__signature__ = body.__name__, "spoiled", inspect.signature(body)
    return function


def _right(value):
    return value


def _noisy(value):
    """All numbers wrong, in a way that nothing explains."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return value
    noise = 1 + np.random.default_rng(np.size(value)).random(np.shape(value))
    if value.dtype.kind == "f":
        return (value * noise + noise).astype(value.dtype)
    return ~value if value.dtype == bool else value + np.ceil(3 * noise).astype(value.dtype)


def _longer(value):
    """One row too many along every axis, all numbers wrong."""
    if np.ndim(value) == 0:
        return _noisy(value)
    return np.pad(_noisy(value), [(0, 1)] * np.ndim(value), mode="edge") if np.size(value) else value


def _only_shape(value):
    return np.zeros_like(value) if isinstance(value, (np.ndarray, np.generic)) else value
