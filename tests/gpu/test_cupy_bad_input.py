"""Wrong arguments give the same error messages on the GPU as on the CPU."""

import copy

import numpy as np
import pytest
from test_cupy_conformance import OPERATIONS, cases, leaves, moved

import minivision

pytestmark = pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
WRONG = (np.float16, np.complex64, bool, np.int8, np.uint64)


def outcome(op, arguments, keywords):
    """Return the results of an operation as NumPy arrays, or the error that it raises."""
    try:
        results = leaves(op(*arguments, **keywords))
    except (ValueError, TypeError) as error:
        return type(error), str(error)
    return [result.get() if hasattr(result, "get") else result for result in results]


def assert_same_outcome(op, arguments, keywords, cupy):
    host_arguments = copy.deepcopy((arguments, keywords))
    with minivision.backend("reference"), np.errstate(all="ignore"):
        expected = outcome(op, *host_arguments)
        on_gpu = [moved(value, cupy.asarray) for value in arguments]
        actual = outcome(op, on_gpu, {name: moved(value, cupy.asarray) for name, value in keywords.items()})
    assert type(actual) is type(expected), (actual, expected)
    if isinstance(expected, tuple):
        assert actual == expected
        return False
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)
    return True


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_empty_batch_gives_an_empty_result_or_the_error_of_the_cpu(name, cupy):
    op = OPERATIONS[name]
    for arguments, keywords in cases(op, np.float64, seed=4)[:4]:
        lengths = {len(value) for value in arguments if isinstance(value, np.ndarray) and value.ndim}
        for length in lengths:  # of the batch, the filters, the regions
            emptied = [
                value[:0] if isinstance(value, np.ndarray) and value.ndim and len(value) == length else value
                for value in arguments
            ]
            assert_same_outcome(op, emptied, keywords, cupy)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_wrong_dtype_is_rejected_or_accepted_as_on_the_cpu(name, cupy):
    op = OPERATIONS[name]
    arguments, keywords = cases(op, np.float64, seed=5)[0]
    for number, value in enumerate(arguments):
        if isinstance(value, np.ndarray):
            for dtype in WRONG:
                with np.errstate(all="ignore"):
                    wrong = value.astype(dtype)
                assert_same_outcome(op, [*arguments[:number], wrong, *arguments[number + 1 :]], keywords, cupy)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_wrong_shape_is_rejected_or_accepted_as_on_the_cpu(name, cupy):
    op = OPERATIONS[name]
    arguments, keywords = cases(op, np.float64, seed=6)[0]
    for number, value in enumerate(arguments):
        if isinstance(value, np.ndarray):
            for wrong in (value[..., None], value[None], value[..., :-1] if value.ndim else value):
                assert_same_outcome(op, [*arguments[:number], wrong, *arguments[number + 1 :]], keywords, cupy)


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if op.positional > 1])
def test_any_single_array_on_the_host_is_rejected(name, cupy):
    op = OPERATIONS[name]
    arguments, keywords = cases(op, np.float64, seed=7)[0]
    keywords = {key: moved(value, cupy.asarray) for key, value in keywords.items()}
    if sum(isinstance(value, np.ndarray) for value in arguments) < 2:
        return
    for number, value in enumerate(arguments):
        if isinstance(value, np.ndarray):
            mixed = [moved(other, cupy.asarray) if k != number else other for k, other in enumerate(arguments)]
            with pytest.raises(TypeError, match=f"^{name}: .*bring all to one place"):
                op(*mixed, **keywords)
