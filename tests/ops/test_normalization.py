"""Batch normalization on both backends, compared with PyTorch, ONNX and finite differences."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_node import run_onnx

import minivision
from minivision.checks import check_gradients
from minivision.ops.normalization import batch_norm2d, batch_norm2d_backward

DRAWN = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-10}


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


def _arguments(shape, dtype=np.float64, offset=1.0, seed=0):
    rng = np.random.default_rng(seed)
    C = shape[1]
    x = offset + 2 * rng.standard_normal(shape)
    gamma, beta, mean, var = (
        1 + rng.random(C),
        rng.standard_normal(C),
        rng.standard_normal(C),
        0.5 + rng.random(C),
    )
    return [array.astype(dtype) for array in (x, gamma, beta, mean, var)]


@DRAWN
@given(
    shape=st.sampled_from([(2, 3, 4, 5), (2, 1, 1, 1), (1, 2, 1, 2), (3, 9, 7, 7), (2, 2, 60, 50)]),
    dtype=st.sampled_from([np.float32, np.float64]),
    training=st.booleans(),
    momentum=st.sampled_from([0.1, 0.9]),
    eps=st.sampled_from([1e-5, 1e-2]),
    seed=st.integers(0, 99),
)
def test_batch_norm_its_gradients_and_running_statistics_equal_pytorchs(shape, dtype, training, momentum, eps, seed):
    torch = pytest.importorskip("torch")
    x, gamma, beta, mean, var = _arguments(shape, dtype, seed=seed)
    tensors = [torch.from_numpy(array.copy()) for array in (x, gamma, beta, mean, var)]
    for tensor in tensors[:3]:
        tensor.requires_grad_()
    expected = torch.nn.functional.batch_norm(
        tensors[0], tensors[3], tensors[4], tensors[1], tensors[2], training, momentum, eps
    )
    y, saved = batch_norm2d(x, gamma, beta, mean, var, training=training, momentum=momentum, eps=eps)
    tolerance = TOLERANCE[dtype]
    assert y.dtype == mean.dtype == var.dtype == dtype
    np.testing.assert_allclose(y, expected.detach(), atol=tolerance)
    np.testing.assert_allclose(mean, tensors[3], atol=tolerance)
    np.testing.assert_allclose(var, tensors[4], atol=tolerance, rtol=tolerance)
    dy = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    expected.backward(torch.from_numpy(dy))
    size = float(saved.inv_std.max()) * 4  # two values per channel: hugely steep, so an absolute error says nothing
    for gradient, tensor in zip(batch_norm2d_backward(dy, x, gamma, saved), tensors[:3], strict=True):
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, tensor.grad, atol=tolerance * max(size, 10), rtol=10 * tolerance)


@pytest.mark.parametrize("training", [True, False])
def test_gradients(training):
    check_gradients(batch_norm2d, *_arguments((3, 2, 3, 4), seed=7), training=training)


@pytest.mark.parametrize("offset", [100.0, -1000.0])
def test_a_mean_far_from_zero_loses_few_digits_in_float32(offset):
    x, *others = _arguments((4, 3, 20, 30), np.float32, offset)
    y, _ = batch_norm2d(x, *others, training=True)
    exact, _ = batch_norm2d.reference(
        *[array.astype(np.float64) for array in (x, *others)], training=True, momentum=0.1, eps=1e-5
    )
    np.testing.assert_allclose(y, exact, atol=1e-3)


def test_a_constant_channel_becomes_beta_and_its_gradient_is_finite():
    x, gamma, beta, mean, var = _arguments((2, 3, 4, 5), np.float32)
    x[:, 1] = 7.3
    y, saved = batch_norm2d(x, gamma, beta, mean, var, training=True)
    np.testing.assert_allclose(y[:, 1], beta[1], atol=1e-3)
    assert np.isfinite(batch_norm2d_backward(np.ones_like(x), x, gamma, saved)[0]).all()


def test_a_nan_changes_only_its_channel():
    x, *others = _arguments((2, 3, 4, 5), np.float32)
    x[1, 2, 0, 0] = np.nan
    y, _ = batch_norm2d(x, *others, training=True)
    assert np.isnan(y[:, 2]).all() and not np.isnan(y[:, :2]).any()


@pytest.mark.parametrize("running_type", [np.float32, np.float64])
def test_running_arrays_of_another_precision_are_updated_in_place(running_type):
    x, gamma, beta, mean, var = _arguments((2, 3, 4, 5), np.float32)
    mean, var = mean.astype(running_type), var.astype(running_type)
    before = mean.copy()
    y, _ = batch_norm2d(x, gamma, beta, mean, var, training=True)
    assert y.dtype == np.float32 and mean.dtype == running_type
    np.testing.assert_allclose(mean, 0.9 * before + 0.1 * x.mean(axis=(0, 2, 3)), rtol=1e-5)


def test_outside_training_statistics_are_not_updated_and_may_be_read_only():
    x, gamma, beta, mean, var = _arguments((1, 3, 1, 1))
    mean.flags.writeable = var.flags.writeable = False
    y, saved = batch_norm2d(x, gamma, beta, mean, var, training=False)
    np.testing.assert_allclose(y[0, :, 0, 0], gamma * (x[0, :, 0, 0] - mean) / np.sqrt(var + 1e-5) + beta)
    assert saved.training is False


@pytest.mark.parametrize("training", [True, False])
def test_inputs_may_be_read_only_and_strided_and_are_not_changed(training):
    x, gamma, beta, mean, var = _arguments((4, 3, 4, 5))
    x = x[::2, :, ::-1]
    x.flags.writeable = gamma.flags.writeable = False
    before = x.copy(), gamma.copy(), beta.copy()
    _, saved = batch_norm2d(x, gamma, beta, mean, var, training=training)
    batch_norm2d_backward(x, x, gamma, saved)
    for array, old in zip((x, gamma, beta), before, strict=True):
        np.testing.assert_array_equal(array, old)


def test_an_empty_batch_is_allowed_outside_training():
    x, *others = _arguments((0, 3, 4, 5), np.float32)
    y, saved = batch_norm2d(x, *others, training=False)
    assert y.shape == x.shape
    dx, dgamma, dbeta = batch_norm2d_backward(y, x, others[0], saved)
    assert dx.shape == x.shape and not dgamma.any() and not dbeta.any()


def test_batch_norm_equals_onnxs():
    x, gamma, beta, mean, var = _arguments((2, 3, 4, 5), np.float32)
    inputs = {"x": x, "gamma": gamma, "beta": beta, "mean": mean, "var": var}
    (expected,) = run_onnx("BatchNormalization", inputs, ["y"])
    np.testing.assert_allclose(batch_norm2d(x, gamma, beta, mean, var, training=False)[0], expected, atol=1e-5)


def _call(training=True, **changed):
    names = ("x", "gamma", "beta", "running_mean", "running_var")
    arguments = dict(zip(names, _arguments((2, 3, 4, 5)), strict=True))
    return batch_norm2d(**{**arguments, **changed}, training=training)


def _read_only():
    array = np.ones(3)
    array.flags.writeable = False
    return array


@pytest.mark.parametrize(
    "error, message, changed",
    [
        (ValueError, "x: expected shape", {"x": np.zeros((3, 4, 5))}),
        (ValueError, "gamma: expected shape", {"gamma": np.ones(4)}),
        (ValueError, "beta: expected shape", {"beta": np.ones(1)}),
        (ValueError, "running_var: expected shape", {"running_var": np.ones(2)}),
        (ValueError, "running_var: expected shape", {"running_var": np.ones(2), "training": False}),
        (ValueError, "x: expected more than one value per channel", {"x": np.zeros((1, 3, 1, 1))}),
        (ValueError, "x: expected more than one value per channel", {"x": np.zeros((0, 3, 4, 5))}),
        (TypeError, "running_mean: .*update in place, got list", {"running_mean": [0.0, 0.0, 0.0]}),
        (TypeError, "running_mean: .*update in place, got int64", {"running_mean": np.zeros(3, int)}),
        (ValueError, "running_mean: .*read-only", {"running_mean": _read_only()}),
        (ValueError, "running_var: .*not contiguous", {"running_var": np.ones(6)[::2]}),
    ],
)
def test_errors_name_the_wrong_argument(error, message, changed):
    with pytest.raises(error, match=message):
        _call(**changed)


def test_errors_of_the_backward_pass_name_the_wrong_argument():
    x, gamma, *_ = _arguments((2, 3, 4, 5))
    _, saved = _call()
    with pytest.raises(TypeError, match="saved: expected the second result of batch_norm2d"):
        batch_norm2d_backward(x, x, gamma, None)
    with pytest.raises(ValueError, match="dy: expected shape"):
        batch_norm2d_backward(x[:1], x, gamma, saved)
    with pytest.raises(ValueError, match="saved.mean: expected shape"):
        batch_norm2d_backward(x[:, :2], x[:, :2], gamma[:2], saved)
