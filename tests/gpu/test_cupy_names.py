"""CuPy has all names that its replacement has; no GPU is needed for this test."""

import importlib.util
import inspect

import pytest
import stand_in


def test_cupy_has_the_functions_of_the_replacement_and_lacks_the_same_keywords():
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("CuPy is not installed")
    import cupy

    for owner, names in ((cupy, stand_in.FUNCTIONS), (cupy.ndarray, stand_in.METHODS)):
        for name in names:
            function = getattr(owner, name)
            if inspect.isfunction(function):
                assert stand_in.NOT_IN_CUPY.isdisjoint(inspect.signature(function).parameters), name
