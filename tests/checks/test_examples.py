"""The smallest example in which a function is wrong."""

import numpy as np
import pytest

from minivision.checks import smallest_failure
from minivision.core import backends
from minivision.core.registry import operations
from minivision.core.temporary_backend import temporary_backend


def failure(name, function):
    op = operations()[name]
    with temporary_backend("tried", {name: function}) as backend:
        return op, smallest_failure(op, backend)


def flipped(x, w, b, stride, padding, dilation, groups):
    return operations()["conv2d"].reference(
        x, w[..., ::-1, :], b, stride=stride, padding=padding, dilation=dilation, groups=groups
    )


def test_it_is_small_readable_and_wrong():
    op, example = failure("conv2d", flipped)
    arrays = [value for value in example.arguments.values() if isinstance(value, np.ndarray)]
    assert sum(array.size for array in arrays) < 60 and arrays[0].shape[0] == 1
    assert all((np.round(array, 1) == array).all() for array in arrays)
    with backends.backend("reference"):
        right = op(**example.arguments)
    np.testing.assert_array_equal(example.expected["y"], right)
    with temporary_backend("tried", {"conv2d": flipped}) as tried, backends.backend(tried):
        assert abs(op(**example.arguments) - right).max() > 0.01


@pytest.mark.parametrize("name", ["conv2d", "max_pool2d", "batch_norm2d", "nms", "softmax_cross_entropy"])
def test_a_right_function_has_none(name):
    op = operations()[name]
    assert failure(name, op.reference)[1] is None


def test_wrong_numbers_come_before_errors():
    def sometimes(x):
        if x.ndim == 4:
            return x
        raise KeyError("only four axes")

    _, example = failure("relu", sometimes)
    assert example.error is None and example.arguments["x"].ndim == 4

    def never(x):
        raise KeyError("nothing")

    assert isinstance(failure("relu", never)[1].error, KeyError)
