"""Pooling and unpooling on both backends, compared with PyTorch, ONNX, finite differences and their transposes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_node import run_onnx

import minivision
from minivision.checks import check_adjoint, check_gradients
from minivision.ops import pooling

DRAWN = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


@st.composite
def windows(draw):
    """Draw maps and windows that PyTorch accepts too: even padding, at most half the kernel."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    stride = draw(st.one_of(st.none(), st.tuples(st.integers(1, 3), st.integers(1, 3))))
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel)
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(4, 9), st.integers(4, 11)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape).astype(dtype)
    return x, kernel, {"stride": stride, "padding": padding}


@DRAWN
@given(windows())
def test_max_pool_and_its_gradient_equal_pytorchs(case):
    torch = pytest.importorskip("torch")
    x, kernel, keywords = case
    given_x = torch.from_numpy(x.copy()).requires_grad_()
    expected, expected_indices = torch.nn.functional.max_pool2d(given_x, kernel, return_indices=True, **keywords)
    y, indices = pooling.max_pool2d(x, kernel, **keywords)
    assert y.dtype == x.dtype and indices.dtype == np.int64
    np.testing.assert_array_equal(y, expected.detach())
    np.testing.assert_array_equal(indices, expected_indices)
    dy = np.random.default_rng(0).standard_normal(y.shape).astype(x.dtype)
    expected.backward(torch.from_numpy(dy))
    dx = pooling.max_pool2d_backward(dy, indices, x.shape)
    assert dx.dtype == x.dtype
    np.testing.assert_allclose(dx, given_x.grad, atol=TOLERANCE[x.dtype.type])


@DRAWN
@given(windows())
def test_avg_pool_and_its_gradient_equal_pytorchs(case):
    torch = pytest.importorskip("torch")
    x, kernel, keywords = case
    given_x = torch.from_numpy(x.copy()).requires_grad_()
    expected = torch.nn.functional.avg_pool2d(given_x, kernel, **keywords)
    y = pooling.avg_pool2d(x, kernel, **keywords)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y, expected.detach(), atol=TOLERANCE[x.dtype.type])
    dy = np.random.default_rng(0).standard_normal(y.shape).astype(x.dtype)
    expected.backward(torch.from_numpy(dy))
    dx = pooling.avg_pool2d_backward(dy, x.shape, kernel, **keywords)
    assert dx.dtype == x.dtype
    np.testing.assert_allclose(dx, given_x.grad, atol=TOLERANCE[x.dtype.type])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(8, 12), (9, 13)], ids=["exact", "with a rest"])
def test_max_unpool_and_its_gradient_equal_pytorchs(rng, dtype, size):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 3, *size)).astype(dtype)
    pooled, indices = torch.nn.functional.max_pool2d(torch.from_numpy(x), 2, return_indices=True)
    pooled.requires_grad_()
    expected = torch.nn.functional.max_unpool2d(pooled, indices, 2, output_size=size)
    y = pooling.max_unpool2d(pooled.detach().numpy(), indices.numpy(), size)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected.detach())
    dy = rng.standard_normal(y.shape).astype(dtype)
    expected.backward(torch.from_numpy(dy))
    np.testing.assert_array_equal(pooling.max_unpool2d_backward(dy, indices.numpy()), pooled.grad)


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def test_global_average_is_the_mean_of_each_map(rng):
    x = rng.standard_normal((2, 3, 40, 7)).astype(np.float32)
    np.testing.assert_allclose(pooling.global_avg_pool2d(x), x.mean(axis=(2, 3), dtype=np.float64), atol=1e-6)
    check_adjoint(pooling.global_avg_pool2d, x)


OVERLAPPING = [
    (3, {"stride": 2, "padding": 1}),
    (3, {"stride": 1}),
    ((2, 3), {"stride": (1, 2), "padding": (1, 0)}),
]


@pytest.mark.parametrize("kernel, keywords", OVERLAPPING)
def test_gradients_of_overlapping_windows(rng, kernel, keywords):
    x = rng.permutation(2 * 2 * 7 * 6).reshape(2, 2, 7, 6).astype(float)  # no ties
    check_gradients(pooling.max_pool2d, x, kernel, **keywords)
    check_adjoint(pooling.avg_pool2d, x, kernel, **keywords)


def test_unpooling_is_the_transpose_of_its_backward_pass_also_with_repeated_indices(rng):
    x = rng.standard_normal((2, 3, 4, 4))
    check_adjoint(pooling.max_unpool2d, x, rng.integers(0, 64, x.shape), (8, 8))


def test_values_with_equal_indices_are_added_in_a_plane_twice_as_large(rng):
    y = pooling.max_unpool2d(np.ones((1, 2, 2, 2)), np.array([[[[5, 5], [5, 0]], [[0, 2], [8, 10]]]]), (4, 4))
    assert y[0, 0].ravel()[5] == 3 and y[0, 0].ravel()[0] == 1 and y[0, 0].sum() == 4
    assert y[0, 1].sum() == 4 and y[0, 1].max() == 1


def test_the_first_of_equal_maxima_is_taken():
    _, indices = pooling.max_pool2d(np.zeros((1, 1, 4, 4)), 2)
    assert indices.ravel().tolist() == [0, 2, 8, 10]
    _, indices = pooling.max_pool2d(np.zeros((1, 1, 3, 3)), 3, stride=2, padding=1)
    assert indices.ravel().tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize("kernel, keywords", [(2, {}), (3, {"stride": 1, "padding": 1}), (3, {"stride": 3})])
def test_max_pool_of_nan_is_nan_as_in_pytorch(rng, kernel, keywords):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((2, 2, 6, 6)).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[0, 0, 0, 0] = -np.inf
    expected, expected_indices = torch.nn.functional.max_pool2d(
        torch.from_numpy(x), kernel, return_indices=True, **keywords
    )
    y, indices = pooling.max_pool2d(x, kernel, **keywords)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(indices, expected_indices)


def test_uneven_padding_equals_pooling_of_a_padded_map(rng):
    x = rng.standard_normal((1, 2, 5, 4))
    sides = ((2, 1), (0, 3))
    padded = np.pad(x, ((0, 0), (0, 0), *sides))
    np.testing.assert_allclose(
        pooling.avg_pool2d(x, 3, stride=2, padding=sides), pooling.avg_pool2d(padded, 3, stride=2), atol=1e-12
    )
    lowest = np.pad(x, ((0, 0), (0, 0), *sides), constant_values=-np.inf)
    y, _ = pooling.max_pool2d(x, 4, stride=2, padding=sides)
    np.testing.assert_array_equal(y, pooling.max_pool2d(lowest, 4, stride=2)[0])


def test_inputs_may_be_read_only_and_strided_and_are_not_changed(rng):
    x = rng.standard_normal((2, 3, 16, 6)).astype(np.float32)[:, :, ::2]
    x.flags.writeable = False
    before = x.copy()
    y, indices = pooling.max_pool2d(x, 2)
    np.testing.assert_array_equal(y, x.reshape(2, 3, 4, 2, 3, 2).max(axis=(3, 5)))
    indices.flags.writeable = False
    pooling.max_unpool2d(y, indices, (8, 6))
    pooling.max_unpool2d_backward(x, indices)
    pooling.avg_pool2d(x, 2)
    np.testing.assert_array_equal(x, before)


def test_an_empty_batch_gives_an_empty_result_of_the_right_shape():
    x = np.zeros((0, 3, 8, 6), np.float32)
    y, indices = pooling.max_pool2d(x, 2)
    assert y.shape == indices.shape == (0, 3, 4, 3) and y.dtype == np.float32
    assert pooling.max_pool2d_backward(y, indices, (8, 6)).shape == x.shape
    assert pooling.max_unpool2d(y, indices, (8, 6)).shape == x.shape
    assert pooling.max_unpool2d_backward(x, indices).shape == y.shape
    assert pooling.avg_pool2d(x, 2).shape == y.shape
    assert pooling.avg_pool2d_backward(y, (8, 6), 2).shape == x.shape
    assert pooling.global_avg_pool2d(x).shape == (0, 3)
    assert pooling.global_avg_pool2d_backward(x[:, :, 0, 0], (8, 6)).shape == x.shape


X = np.zeros((1, 2, 6, 6))
INDICES = np.zeros((1, 2, 3, 3), int)


@pytest.mark.parametrize(
    "error, message, call",
    [
        (TypeError, "x: expected float32", lambda: pooling.max_pool2d(X.astype(int), 2)),
        (ValueError, "x: expected shape", lambda: pooling.max_pool2d(X[0], 2)),
        (ValueError, "kernel_size: expected at least 1", lambda: pooling.max_pool2d(X, 0)),
        (TypeError, "kernel_size: expected an integer", lambda: pooling.avg_pool2d(X, 2.5)),
        (ValueError, "stride: expected at least 1", lambda: pooling.max_pool2d(X, 2, stride=0)),
        (ValueError, "padding: expected at least 0", lambda: pooling.avg_pool2d(X, 2, padding=-1)),
        (ValueError, "smaller than the window", lambda: pooling.max_pool2d(X, 7)),
        (ValueError, "smaller than the window", lambda: pooling.avg_pool2d(X, 7)),
        (ValueError, "padding: .*completely in the padding", lambda: pooling.max_pool2d(X, 2, padding=2)),
        (
            ValueError,
            "padding: .*width",
            lambda: pooling.max_pool2d(X, 2, stride=1, padding=((0, 0), (0, 2))),
        ),
        (ValueError, r"indices: .*0 .. 35, got 36 at \(0, 1, 2, 0\)", lambda: _unpool(36)),
        (ValueError, "indices: .*got -1", lambda: _unpool(-1)),
        (
            TypeError,
            "indices: expected integers",
            lambda: pooling.max_unpool2d(X[:, :, :3, :3], INDICES + 0.5, (6, 6)),
        ),
        (ValueError, "indices: expected shape", lambda: pooling.max_unpool2d(X, INDICES, (6, 6))),
        (
            ValueError,
            "output_size: expected a size",
            lambda: pooling.max_unpool2d(X[:, :, :3, :3], INDICES, 6),
        ),
        (
            ValueError,
            "input_size: expected a size",
            lambda: pooling.max_pool2d_backward(X[:, :, :3, :3], INDICES, 6),
        ),
        (ValueError, "indices: ", lambda: pooling.max_pool2d_backward(X[:, :, :3, :3], INDICES + 4, (2, 2))),
        (ValueError, "indices: .*N and C as in dy", lambda: pooling.max_unpool2d_backward(X, INDICES[:, :1])),
        (ValueError, "indices: .*got 99", lambda: pooling.max_unpool2d_backward(X, INDICES + 99)),
        (ValueError, "dy: expected shape", lambda: pooling.avg_pool2d_backward(X, (6, 6), 2)),
        (
            ValueError,
            "x: expected maps of at least one pixel",
            lambda: pooling.global_avg_pool2d(X[:, :, :0]),
        ),
        (
            ValueError,
            "input_size: .*one pixel",
            lambda: pooling.global_avg_pool2d_backward(X[:, :, 0, 0], (0, 3)),
        ),
    ],
)
def test_errors_name_the_wrong_argument(error, message, call):
    with pytest.raises(error, match=message):
        call()


def _unpool(wrong):
    indices = INDICES.copy()
    indices[0, 1, 2, 0] = wrong
    return pooling.max_unpool2d(X[:, :, :3, :3], indices, (6, 6))


@pytest.mark.parametrize(
    "kind, ours, options",
    [
        ("MaxPool", lambda x: pooling.max_pool2d(x, (2, 3), stride=(1, 2), padding=((1, 0), (1, 1))), {}),
        (
            "AveragePool",
            lambda x: pooling.avg_pool2d(x, (2, 3), stride=(1, 2), padding=((1, 0), (1, 1))),
            {"count_include_pad": 1},
        ),
    ],
)
def test_pooling_equals_onnxs(rng, kind, ours, options):
    x = rng.standard_normal((2, 3, 6, 7)).astype(np.float32)
    outputs = ["y", "indices"] if kind == "MaxPool" else ["y"]
    results = run_onnx(kind, {"x": x}, outputs, kernel_shape=[2, 3], strides=[1, 2], pads=[1, 1, 0, 1], **options)
    y = ours(x)
    np.testing.assert_allclose(y[0] if kind == "MaxPool" else y, results[0], atol=1e-6)


def test_global_average_and_unpooling_equal_onnxs(rng):
    x = rng.standard_normal((1, 1, 6, 8)).astype(np.float32)
    (expected,) = run_onnx("GlobalAveragePool", {"x": x}, ["y"])
    np.testing.assert_allclose(pooling.global_avg_pool2d(x), expected[:, :, 0, 0], atol=1e-6)
    y, indices = pooling.max_pool2d(x, 2)  # one plane, where ONNX counts indices as we do
    (expected,) = run_onnx("MaxUnpool", {"x": y, "i": indices}, ["y"], kernel_shape=[2, 2], strides=[2, 2])
    np.testing.assert_array_equal(pooling.max_unpool2d(y, indices, (6, 8)), expected)
