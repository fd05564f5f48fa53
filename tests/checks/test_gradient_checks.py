"""check_gradients and check_adjoint: right gradients pass, wrong ones fail with a readable message."""

import types

import numpy as np
import pytest

import minivision
from minivision import layers, ops
from minivision.checks import CheckError, check_adjoint, check_gradients
from minivision.checks.call import Call
from minivision.checks.gradients import gradient_errors
from minivision.core.dispatch import operation
from minivision.core.registry import operations


def register(name, function):
    module = types.ModuleType("mine")
    function.__module__ = "mine"
    function.__name__ = name
    setattr(module, name, function)
    minivision.register_backend("mine", module)


@pytest.fixture
def x(rng):
    return rng.normal(size=(2, 3, 6, 6))


CHECKED = [
    ("conv2d", lambda x: (x, np.linspace(-1, 1, 54).reshape(2, 3, 3, 3)), {"padding": 1}),
    ("max_pool2d", lambda x: (x, 3), {"stride": 2}),
    ("avg_pool2d", lambda x: (x, 3), {"stride": 1}),
    ("global_avg_pool2d", lambda x: (x,), {}),
    ("max_unpool2d", lambda x: (ops.max_pool2d(x, 2)[0], ops.max_pool2d(x, 2)[1], (6, 6)), {}),
    ("bed_of_nails", lambda x: (x,), {"scale": 3}),
    ("upsample_nearest", lambda x: (x,), {}),
    ("upsample_bilinear", lambda x: (x,), {}),
    ("relu", lambda x: (x,), {}),
    ("sigmoid", lambda x: (x,), {}),
    ("dropout", lambda x: (x, 0.4), {"rng": np.random.default_rng(0), "training": True}),
    ("linear", lambda x: (x.reshape(6, 36), np.ones((2, 36)), np.ones(2)), {}),
    ("batch_norm2d", lambda x: (x, np.ones(3), np.ones(3), np.zeros(3), np.ones(3)), {"training": True}),
    ("softmax", lambda x: (x,), {}),
    ("softmax_cross_entropy", lambda x: (x, np.arange(72).reshape(2, 6, 6) % 3), {}),
    ("binary_cross_entropy_with_logits", lambda x: (x, (x > 0.3).astype(float)), {}),
    ("smooth_l1_loss", lambda x: (x, np.zeros_like(x)), {"beta": 0.5}),
    ("mse_loss", lambda x: (x, np.ones_like(x)), {"reduction": "sum"}),
    ("hinge_loss", lambda x: (x, np.where(x > 0.2, 1.0, -1.0)), {}),
]


@pytest.mark.parametrize("backend", ["reference", "numba"])
@pytest.mark.parametrize(("name", "arguments", "keywords"), CHECKED, ids=[name for name, *_ in CHECKED])
def test_every_differentiable_operation_passes(name, arguments, keywords, backend, x):
    with minivision.backend(backend):
        errors = check_gradients(getattr(ops, name), *arguments(x), **keywords)
    assert errors and all(error < 1e-6 for error in errors.values())


def test_a_failure_prints_operation_backend_argument_index_both_numbers_and_the_error(x):
    def sigmoid_backward(dy, y):
        dx = dy * y * (1 - y)
        dx[1, 2, 3, 4] *= 3
        return dx

    register("sigmoid_backward", sigmoid_backward)
    with minivision.backend("mine"), pytest.raises(CheckError) as failure:
        check_gradients(ops.sigmoid, x, elements=500)
    message = str(failure.value)
    assert "sigmoid on backend 'mine': the gradient for x is wrong in 1 of 216 elements tried" in message
    first = message.splitlines()[2].split()
    assert "".join(first[:4]) == "x[1,2,3,4]" and float(first[4]) == pytest.approx(3 * float(first[5]), rel=1e-5)


def test_a_kink_is_not_ignored():
    with pytest.raises(CheckError, match="9 of 9"):
        check_gradients(ops.relu, np.zeros((3, 3)))


def test_nan_gradients_fail(x):
    register("sigmoid_backward", lambda dy, y: dy * np.nan)
    with minivision.backend("mine"), pytest.raises(CheckError, match="216 of 216|200 of 200"):
        check_gradients(ops.sigmoid, x)


def test_a_backward_that_writes_to_its_input_fails(x):
    def relu_backward(dy, x):
        dy[x <= 0] = 0
        return dy

    register("relu_backward", relu_backward)
    with minivision.backend("mine"), pytest.raises(CheckError, match="relu_backward wrote to its input dy"):
        check_gradients(ops.relu, x)


def test_a_gradient_of_the_wrong_dtype_or_shape_fails(x):
    register("relu_backward", lambda dy, x: (dy * (x > 0)).astype(np.float32))
    with minivision.backend("mine"), pytest.raises(CheckError, match="dtype float32; x has .* float64"):
        check_gradients(ops.relu, x)
    register("relu_backward", lambda dy, x: (dy * (x > 0))[:1])
    with minivision.backend("mine"), pytest.raises(CheckError, match=r"has shape \(1, 3, 6, 6\)"):
        check_gradients(ops.relu, x)


def test_a_wrong_transpose_fails_with_both_products(x):
    register("upsample_nearest_backward", lambda dy, scale: dy[:, :, ::2, ::2].copy())
    with minivision.backend("mine"), pytest.raises(CheckError, match="not the transpose in x: <A x, y> = .* but"):
        check_adjoint(ops.upsample_nearest, x)
    assert check_adjoint(ops.upsample_nearest, x) < 1e-12
    assert check_adjoint(ops.upsample_nearest, x.astype(np.float32)) < 1e-5


def test_operations_without_a_gradient_are_refused(x):
    with pytest.raises(LookupError, match="conv_matrix has no gradient"):
        check_gradients(ops.conv_matrix, np.ones((1, 1, 2, 2)), (3, 3))
    with pytest.raises(LookupError, match="has no gradient for 'scale'; it has x"):
        check_adjoint(ops.upsample_nearest, x, argument="scale")


def test_what_is_no_operation_is_refused_by_name(x):
    with pytest.raises(
        TypeError, match="^<lambda> is no operation: expected one of minivision.ops, or a function with"
    ):
        check_gradients(lambda x: x, x)
    with pytest.raises(TypeError, match="^ReLU is no operation: .*; a layer's gradients are those of the operations"):
        check_gradients(layers.ReLU(), x)


def test_a_pair_of_a_script_is_checked_and_may_not_have_the_name_of_another(x):
    @operation(check=lambda x: (x,))
    def swish(x):
        return x / (1 + np.exp(-x))

    @operation(check=lambda dy, x: (dy, x), returns=("dx",))
    def swish_backward(dy, x):
        p = 1 / (1 + np.exp(-x))
        return dy * (p + x * p * (1 - p))

    assert check_gradients(swish, x)["x"] < 1e-6
    assert "swish" not in operations()  # only those of the package
    with pytest.raises(ValueError, match="there is an operation relu in minivision.ops.pointwise; choose another name"):

        @operation(check=lambda x: (x,))
        def relu(x):
            return x

    assert operations()["relu"] is ops.relu


OPTIONS = {"step": 1e-6, "tolerance": 1e-6, "elements": 1600, "skip_kinks": True}


def test_kinks_are_skipped_however_small_they_are():
    """At equal numbers of a window there is no gradient, also where the upstream gradient is nearly 0."""
    ties = Call(ops.max_pool2d, (np.zeros((1, 1, 40, 40)), 2), {})
    assert gradient_errors(ties, seed=0, **OPTIONS)["x"] <= 1e-6
    near = np.zeros((1, 1, 40, 40))
    near[..., ::2, ::2] = np.linspace(0, 2e-6, 400).reshape(20, 20)  # the kink lies within a step
    assert gradient_errors(Call(ops.max_pool2d, (near, 2), {}), seed=0, **OPTIONS)["x"] <= 1e-6


def test_curves_are_not_taken_for_kinks():
    """Where a function bends sharply, a wrong gradient is still found."""

    def sigmoid_backward(dy, y):
        return 1.001 * dy * y * (1 - y)

    register("sigmoid_backward", sigmoid_backward)
    with minivision.backend("mine"), pytest.raises(CheckError):
        gradient_errors(Call(ops.sigmoid, (np.linspace(-9, 9, 40),), {}), seed=0, **OPTIONS)
