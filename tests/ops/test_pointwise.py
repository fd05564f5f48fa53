"""ReLU, sigmoid and dropout on both backends, compared with PyTorch, ONNX and finite differences."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_node import run_onnx

import minivision
from minivision.checks import check_gradients
from minivision.ops import pointwise

DRAWN = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
TOLERANCE = {np.float32: 1e-6, np.float64: 1e-14}
SPECIAL = np.array([0.0, -0.0, 2.0, -3.0, 90.0, -90.0, 1e4, -1e4, np.inf, -np.inf, np.nan])


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


@st.composite
def arrays(draw):
    shape = draw(st.sampled_from([(), (1,), (3, 5), (2, 3, 4, 5), (0, 4), (8191,), (2, 8193)]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return (4 * np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape)).astype(dtype)


@pytest.mark.parametrize("name", ["relu", "sigmoid"])
@DRAWN
@given(x=arrays())
def test_activations_and_their_gradients_equal_pytorchs(name, x):
    torch = pytest.importorskip("torch")
    given_x = torch.from_numpy(np.array(x)).requires_grad_()
    expected = getattr(torch, name)(given_x)
    y = getattr(pointwise, name)(x)
    assert y.dtype == x.dtype and y.shape == x.shape
    np.testing.assert_allclose(y, expected.detach(), atol=TOLERANCE[x.dtype.type])
    dy = np.random.default_rng(0).standard_normal(x.shape).astype(x.dtype)
    expected.backward(torch.from_numpy(np.array(dy)))
    remembered = x if name == "relu" else y
    dx = getattr(pointwise, f"{name}_backward")(dy, remembered)
    assert dx.dtype == x.dtype and dx.shape == x.shape
    np.testing.assert_allclose(dx, given_x.grad, atol=TOLERANCE[x.dtype.type])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["relu", "sigmoid"])
def test_extreme_numbers_and_nan_give_pytorchs_results_without_warnings(name, dtype):
    torch = pytest.importorskip("torch")
    x = SPECIAL.astype(dtype)
    expected = getattr(torch, name)(torch.from_numpy(x))
    np.testing.assert_allclose(getattr(pointwise, name)(x), expected, atol=1e-37, rtol=1e-6)


def test_the_gradient_of_relu_at_zero_is_zero_and_nan_gives_nan():
    torch = pytest.importorskip("torch")
    dy = np.arange(1.0, len(SPECIAL) + 1)
    expected = torch.ops.aten.threshold_backward(torch.from_numpy(dy), torch.from_numpy(SPECIAL), 0)
    np.testing.assert_array_equal(pointwise.relu_backward(dy, SPECIAL), expected)


def test_gradients():
    x = np.random.default_rng(0).standard_normal((3, 4)) + 0.01
    check_gradients(pointwise.relu, x)
    check_gradients(pointwise.sigmoid, x)
    check_gradients(pointwise.dropout, x, 0.4, rng=np.random.default_rng(1), training=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 1.0])
def test_dropout_drops_a_fraction_p_and_keeps_the_mean(dtype, p):
    x = np.ones((200, 300), dtype)
    y, mask = pointwise.dropout(x, p, rng=np.random.default_rng(0), training=True)
    assert y.dtype == mask.dtype == dtype
    np.testing.assert_array_equal(y, mask)
    assert abs(np.mean(y == 0) - p) < 0.01
    assert p == 1 or abs(y.mean() - 1) < 0.02
    assert len(np.unique(mask)) == (1 if p in (0, 1) else 2)
    np.testing.assert_array_equal(pointwise.dropout_backward(2 * x, mask), 2 * mask)


def test_dropout_draws_the_same_numbers_on_every_backend_and_none_outside_training(on_backend):
    x = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)
    rng = np.random.default_rng(3)
    y, mask = pointwise.dropout(x, 0.5, rng=rng, training=False)
    np.testing.assert_array_equal(y, x)
    assert (mask == 1).all() and not np.shares_memory(x, y)
    drops = pointwise.dropout(x, 0.5, rng=rng, training=True)[1]
    np.testing.assert_array_equal(drops == 0, np.random.default_rng(3).random((5, 7), np.float32) < 0.5)
    assert pointwise.dropout(x, 0.5, rng=None, training=False)[0].shape == x.shape


def test_activations_equal_onnxs():
    x = np.random.default_rng(0).standard_normal((2, 3)).astype(np.float32)
    np.testing.assert_array_equal(pointwise.relu(x), run_onnx("Relu", {"x": x}, ["y"])[0])
    np.testing.assert_allclose(pointwise.sigmoid(x), run_onnx("Sigmoid", {"x": x}, ["y"])[0], atol=1e-6)


def test_inputs_may_be_read_only_and_strided_and_are_not_changed():
    x = np.random.default_rng(0).standard_normal((6, 8)).astype(np.float32)[::2, ::-1]
    x.flags.writeable = False
    before = x.copy()
    np.testing.assert_array_equal(pointwise.relu(x), np.maximum(x, 0))
    np.testing.assert_array_equal(pointwise.relu_backward(x, x), np.maximum(x, 0))
    pointwise.sigmoid_backward(x, pointwise.sigmoid(x))
    pointwise.dropout(x, 0.5, rng=np.random.default_rng(0), training=True)
    np.testing.assert_array_equal(x, before)


X = np.zeros((2, 3))
RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "error, message, call",
    [
        (TypeError, "x: expected float32", lambda: pointwise.relu(X.astype(int))),
        (TypeError, "x: expected float32", lambda: pointwise.sigmoid(X.astype(np.float16))),
        (ValueError, "x: expected shape", lambda: pointwise.relu_backward(X, X.T)),
        (ValueError, "y: expected shape", lambda: pointwise.sigmoid_backward(X, X.T)),
        (ValueError, "mask: expected shape", lambda: pointwise.dropout_backward(X, X.T)),
        (ValueError, "p: expected a probability", lambda: _dropped(1.5, RNG)),
        (ValueError, "p: expected a number", lambda: _dropped(float("nan"), RNG)),
        (TypeError, "rng: expected a numpy.random.Generator", lambda: _dropped(0.5, rng=None)),
        (TypeError, "rng: .*got int", lambda: _dropped(0.5, rng=3)),
    ],
)
def test_errors_name_the_wrong_argument(error, message, call):
    with pytest.raises(error, match=message):
        call()


def _dropped(p, rng=None):
    return pointwise.dropout(X, p, rng=rng, training=True)
