"""The fully connected layer on both backends, compared with PyTorch, ONNX and finite differences."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_node import run_onnx

import minivision
from minivision.checks import check_adjoint, check_gradients
from minivision.kernels.numba.engine.matrix_product import matrix_product
from minivision.ops.linear import linear, linear_backward

DRAWN = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


def _arguments(N, D, M, dtype=np.float64):
    rng = np.random.default_rng(N + 10 * D + 100 * M)
    return [rng.standard_normal(shape).astype(dtype) for shape in [(N, D), (M, D), (M,)]]


@DRAWN
@given(
    sizes=st.tuples(st.integers(1, 40), st.sampled_from([1, 3, 16, 30, 600]), st.integers(1, 9)),
    dtype=st.sampled_from([np.float32, np.float64]),
    with_bias=st.booleans(),
)
def test_linear_and_its_gradients_equal_pytorchs(sizes, dtype, with_bias):
    torch = pytest.importorskip("torch")
    arrays = _arguments(*sizes, dtype)[: 3 if with_bias else 2]
    tensors = [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]
    expected = torch.nn.functional.linear(*tensors)
    y = linear(*arrays)
    assert y.dtype == dtype
    tolerance = 1e-4 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(y, expected.detach(), atol=tolerance)
    dy = np.random.default_rng(0).standard_normal(y.shape).astype(dtype)
    expected.backward(torch.from_numpy(dy))
    dx, dw, db = linear_backward(dy, *arrays[:2])
    assert dx.dtype == dw.dtype == db.dtype == dtype
    for gradient, tensor in zip((dx, dw, db), tensors, strict=False):
        np.testing.assert_allclose(gradient, tensor.grad, atol=tolerance)
    np.testing.assert_allclose(db, dy.sum(axis=0), atol=tolerance)


def test_gradients_and_transposes():
    x, w, b = _arguments(5, 7, 6)
    check_gradients(linear, x, w, b)
    for name in ("x", "w"):
        check_adjoint(linear, x, w, b, argument=name)


def test_linear_equals_onnx_gemm():
    x, w, b = _arguments(3, 5, 4, np.float32)
    (expected,) = run_onnx("Gemm", {"x": x, "w": w, "b": b}, ["y"], transB=1)
    np.testing.assert_allclose(linear(x, w, b), expected, atol=1e-5)


def test_no_examples_give_no_outputs_and_zero_gradients():
    x, w, b = _arguments(0, 7, 6, np.float32)
    assert linear(x, w, b).shape == (0, 6)
    dx, dw, db = linear_backward(np.zeros((0, 6), np.float32), x, w)
    assert dx.shape == (0, 7) and not dw.any() and not db.any() and dw.shape == (6, 7)


def test_without_features_the_output_is_the_bias():
    x, w, b = _arguments(4, 0, 6)
    np.testing.assert_array_equal(linear(x, w, b), np.tile(b, (4, 1)))


def test_a_nan_changes_only_its_example():
    x, w, b = _arguments(5, 33, 6, np.float32)
    x[2, 7] = np.nan
    y = linear(x, w, b)
    assert np.isnan(y[2]).all() and not np.isnan(np.delete(y, 2, axis=0)).any()


def test_inputs_may_be_read_only_and_strided_and_are_not_changed():
    x, w, b = _arguments(6, 8, 6)
    x, w = x[::2, ::-1], w.T[:6].T
    w = np.concatenate([w, w], axis=1)[:, :8]
    x.flags.writeable = w.flags.writeable = False
    before = x.copy(), w.copy()
    np.testing.assert_allclose(linear(x, w, b), x @ w.T + b, atol=1e-12)
    linear_backward(np.ones((3, 6)), x, w)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(w, before[1])


X, W, B = np.zeros((2, 3)), np.zeros((4, 3)), np.zeros(4)


@pytest.mark.parametrize(
    "error, message, call",
    [
        (ValueError, r"x: expected shape .*reshape\(N, -1\)", lambda: linear(np.zeros((2, 3, 4)), W, B)),
        (TypeError, "x: expected float32", lambda: linear(X.astype(int), W, B)),
        (ValueError, "w: expected shape", lambda: linear(X, W[0], B)),
        (ValueError, r"w: expected shape \(M, 3\)", lambda: linear(X, W.T, B)),
        (ValueError, "b: expected shape", lambda: linear(X, W, B[:3])),
        (ValueError, "dy: expected shape", lambda: linear_backward(X, X, W)),
        (ValueError, "w: expected shape", lambda: linear_backward(X, X, W.T)),
    ],
)
def test_errors_name_the_wrong_argument(error, message, call):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("transposed", [(False, False), (True, False), (False, True)])
def test_the_packed_product_is_numpys_at_all_edges_of_its_blocks(dtype, transposed):
    """Sums of small integers are exact, whatever their order."""
    rng = np.random.default_rng(0)
    sizes = {"I": (1, 7, 8, 33, 515), "K": (1, 159, 161, 325), "J": (1, 24, 47, 49, 130)}
    for I, K, J in itertools.product(*sizes.values()):
        a, b = (rng.integers(-3, 4, shape).astype(dtype) for shape in ((I, K), (K, J)))
        bias = rng.integers(-3, 4, J).astype(dtype)
        operands = [np.ascontiguousarray(x.T) if t else x for x, t in zip((a, b), transposed, strict=True)]
        options = {"a_transposed": transposed[0], "b_transposed": transposed[1]}
        np.testing.assert_array_equal(matrix_product(*operands, bias, **options), a @ b + bias)
        np.testing.assert_array_equal(matrix_product(*operands, **options), a @ b)
    assert matrix_product(np.zeros((2, 0), dtype), np.zeros((0, 3), dtype)).tolist() == [[0] * 3] * 2


def test_numbers_that_are_not_finite_stay_in_their_row_and_column():
    a, b = np.ones((19, 170), np.float32), np.ones((170, 53), np.float32)
    a[3, 5], b[7, 11] = np.nan, np.inf
    result = matrix_product(a, b)
    assert np.isnan(result[3]).all() and np.isposinf(np.delete(result[:, 11], 3)).all()
    assert (np.delete(np.delete(result, 3, 0), 11, 1) == 170).all()
