"""Every operation on CuPy arrays, on all its cases, gives the values of the reference implementation."""

import copy
import warnings

import numpy as np
import on_cpu
import pytest

import minivision
from minivision.checks.cases import cases_of
from minivision.core.backends import get_backend
from minivision.core.registry import operations

OPERATIONS = {  # those of minivision.detection run on the CPU
    name: op for name, op in operations().items() if op.reference.__module__.startswith("minivision.ops.")
}

# How far float32 results may be from the reference in float32, relative to the largest value.
TOLERANCE = {np.float64: 1e-11, np.float32: 2e-5}


def moved(value, function):
    """Apply `function` to arrays, also in named tuples (saved for a backward pass)."""
    if isinstance(value, (np.ndarray, np.generic)):
        return function(np.asarray(value))
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(moved(part, function) for part in value))
    return copy.deepcopy(value)


def cases(op, dtype, seed):
    """Return the arguments of the cases of an operation, with floats in a dtype."""
    all_cases = []
    for arguments, keywords in cases_of(op, np.random.default_rng(seed)):
        arguments = [moved(value, lambda array: _cast(array, dtype)) for value in arguments]
        all_cases.append(
            (arguments, {name: moved(value, lambda array: _cast(array, dtype)) for name, value in keywords.items()})
        )
    return all_cases


def _cast(array, dtype):
    return array.astype(dtype) if array.dtype.kind == "f" else array.copy()


def run(op, arguments, keywords, cupy):
    """Call an operation on the GPU; return its results, and its array arguments afterwards, on the host."""
    arguments = [moved(value, cupy.asarray) for value in arguments]
    keywords = {name: moved(value, cupy.asarray) for name, value in keywords.items()}
    results = leaves(op(*arguments, **keywords))
    arrays = [part for part in leaves((*arguments, *keywords.values())) if isinstance(part, cupy.ndarray)]
    for result in results:
        assert not isinstance(result, np.ndarray), "a result is on the host"
    return [_host(part, cupy) for part in results], [_host(part, cupy) for part in arrays]


def _host(value, cupy):
    return cupy.asnumpy(value) if isinstance(value, cupy.ndarray) else value


def leaves(result):
    if isinstance(result, tuple):
        return [leaf for part in result for leaf in leaves(part)]
    return [result]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OPERATIONS)
def test_kernel_gives_the_values_of_the_reference_and_writes_to_no_input(name, dtype, cupy):
    op = OPERATIONS[name]
    for k, (arguments, keywords) in enumerate(cases(op, dtype, seed=1)):
        title = f"{name}, case {k}: {keywords}"
        reference = copy.deepcopy((arguments, keywords))
        with minivision.backend("reference"):
            expected = leaves(op(*reference[0], **reference[1]))
        reference_arrays = [
            part for part in leaves((*reference[0], *reference[1].values())) if isinstance(part, np.ndarray)
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # the warning that it runs on the CPU
            got, arrays = run(op, arguments, keywords, cupy)
        # Batch normalization updates the running arrays, as the reference does.
        for a, b in zip((*got, *arrays), (*expected, *reference_arrays), strict=True):
            assert_close(a, np.asarray(b) if isinstance(b, np.generic) else b, dtype, title)


def assert_close(got, expected, dtype, title):
    if not isinstance(expected, np.ndarray) or expected.dtype.kind != "f":
        np.testing.assert_array_equal(got, expected, err_msg=title)
        return
    assert got.dtype == dtype and got.shape == expected.shape, f"{title}: {got.dtype} {got.shape}"
    scale = max(1, np.abs(expected).max(initial=0, where=np.isfinite(expected)))
    np.testing.assert_allclose(got / scale, expected / scale, rtol=0, atol=TOLERANCE[dtype], err_msg=title)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_order_of_threads_changes_no_bit(name, cupy, monkeypatch):
    """If several threads added to the same sum, its rounding would change, and a run would not be reproducible."""
    op = OPERATIONS[name]
    for arguments, keywords in cases(op, np.float32, seed=2):
        first, _ = run(op, copy.deepcopy(arguments), copy.deepcopy(keywords), cupy)
        monkeypatch.setattr(on_cpu, "backwards", True)
        second, _ = run(op, arguments, keywords, cupy)
        monkeypatch.setattr(on_cpu, "backwards", False)
        for a, b in zip(first, second, strict=True):
            np.testing.assert_array_equal(a, b)


def test_no_operation_lacks_a_cupy_kernel_by_accident(cupy):
    backend = get_backend("cupy")
    assert [name for name, op in OPERATIONS.items() if backend.kernel(op) is None] == []


# Those of batch normalisation are updated in place.
@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if op.family != "normalization"])
def test_arrays_that_are_not_contiguous_work(name, cupy):
    op = OPERATIONS[name]
    for arguments, keywords in cases(op, np.float64, seed=3)[:3]:
        expected, _ = run(op, copy.deepcopy(arguments), copy.deepcopy(keywords), cupy)

        def spread(array):
            if array.ndim == 0:
                return cupy.asarray(array)
            wide = cupy.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)[..., ::2]
            wide[...] = cupy.asarray(array)
            return wide

        awkward = {name: moved(value, spread) for name, value in keywords.items()}
        got = leaves(op(*(moved(value, spread) for value in arguments), **awkward))
        for a, b in zip(got, expected, strict=True):
            np.testing.assert_array_equal(_host(a, cupy), b)
