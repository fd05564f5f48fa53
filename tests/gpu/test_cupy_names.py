"""CuPy has what the stand-in for it has; no GPU is needed to ask for names."""

import importlib.util
import inspect

import pytest
import stand_in


def test_cupy_has_all_that_the_stand_in_has_and_lacks_the_keywords_that_it_lacks():
    if importlib.util.find_spec("cupy") is None:
        pytest.skip("CuPy is not installed")
    import cupy

    for owner, names in ((cupy, stand_in.FUNCTIONS), (cupy.ndarray, stand_in.METHODS)):
        for name in names:
            function = getattr(owner, name)
            if inspect.isfunction(function):
                assert stand_in.NOT_IN_CUPY.isdisjoint(inspect.signature(function).parameters), name
