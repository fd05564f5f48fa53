"""The losses on both backends, compared with PyTorch, ONNX and finite differences."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_node import run_onnx

import minivision
from minivision.checks import check_gradients
from minivision.ops import losses

DRAWN = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
REDUCTIONS = pytest.mark.parametrize("reduction", ["mean", "sum"])


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


def _close_to_torch(found, expected, tensor, dtype):
    """Compare (loss, gradient) with PyTorch's, whose gradient autograd finds."""
    loss, gradient = found
    expected.backward()
    tolerance = 3e-6 if dtype == np.float32 else 1e-12
    assert loss.dtype == gradient.dtype == dtype
    np.testing.assert_allclose(loss, expected.detach(), rtol=3 * tolerance, atol=tolerance)
    np.testing.assert_allclose(gradient, tensor.grad, atol=tolerance)


@DRAWN
@given(
    shape=st.sampled_from([(1, 1), (5, 3), (40, 21), (2, 3, 4, 5), (2, 7, 16, 17), (1, 2, 1, 1)]),
    dtype=st.sampled_from([np.float32, np.float64]),
    spread=st.sampled_from([1.0, 30.0]),
    seed=st.integers(0, 99),
)
def test_softmax_and_its_gradient_equal_pytorchs(shape, dtype, spread, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    x, dy = (spread * rng.standard_normal(shape)).astype(dtype), rng.standard_normal(shape).astype(dtype)
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    expected = torch.softmax(tensor, 1)
    expected.backward(torch.from_numpy(dy))
    y = losses.softmax(x)
    dx = losses.softmax_backward(dy, y)
    tolerance = 1e-6 if dtype == np.float32 else 1e-12
    assert y.dtype == dx.dtype == dtype
    np.testing.assert_allclose(y, expected.detach(), atol=tolerance)
    np.testing.assert_allclose(dx, tensor.grad, atol=tolerance)


def test_softmax_of_huge_scores_does_not_overflow():
    assert losses.softmax(np.array([[1e5, 0.0], [-1e5, 1e5]], np.float32)).tolist() == [[1, 0], [0, 1]]
    maps = losses.softmax(np.array([1e5, 0.0, -1e5, 1e5], np.float32).reshape(2, 2, 1, 1))
    np.testing.assert_allclose(maps.ravel(), [1, 0, 0, 1], atol=1e-37)


@DRAWN
@given(
    shape=st.sampled_from([(1, 1), (5, 3), (40, 21), (2, 3, 4, 5), (2, 7, 16, 17), (1, 2, 1, 1)]),
    dtype=st.sampled_from([np.float32, np.float64]),
    weighted=st.booleans(),
    ignored=st.sampled_from([-100, 255, 0]),
    reduction=st.sampled_from(["mean", "sum"]),
    spread=st.sampled_from([1.0, 30.0]),
    seed=st.integers(0, 99),
)
def test_softmax_cross_entropy_equals_pytorchs(shape, dtype, weighted, ignored, reduction, spread, seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    C = shape[1]
    scores = (spread * rng.standard_normal(shape)).astype(dtype)
    target = rng.integers(0, C, (shape[0], *shape[2:]))
    target[rng.random(target.shape) < 0.3] = ignored
    weight = (0.1 + rng.random(C)).astype(dtype) if weighted else None
    found = losses.softmax_cross_entropy(scores, target, weight=weight, ignore_index=ignored, reduction=reduction)
    if (target == ignored).all():
        assert found[0] == 0 and not found[1].any()
        return
    tensor = torch.from_numpy(scores.copy()).requires_grad_()
    expected = torch.nn.functional.cross_entropy(
        tensor,
        torch.from_numpy(target),
        weight=None if weight is None else torch.from_numpy(weight),
        ignore_index=ignored,
        reduction=reduction,
    )
    loss, gradient = found
    tolerance = (1e-5 if dtype == np.float32 else 1e-12) * (1 if reduction == "mean" else 10)
    np.testing.assert_allclose(loss, expected.detach(), rtol=tolerance, atol=tolerance)
    expected.backward()
    np.testing.assert_allclose(gradient, tensor.grad, atol=tolerance)
    assert loss.dtype == gradient.dtype == dtype


SHAPES = [(1,), (3, 4), (2, 3, 4, 5), (3, 2050)]


def _pair(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    return (3 * rng.standard_normal(shape)).astype(dtype), rng.random(shape).astype(dtype)


@REDUCTIONS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    "ours, theirs, keywords",
    [
        ("binary_cross_entropy_with_logits", "binary_cross_entropy_with_logits", {}),
        ("mse_loss", "mse_loss", {}),
        ("smooth_l1_loss", "smooth_l1_loss", {}),
        ("smooth_l1_loss", "smooth_l1_loss", {"beta": 1 / 9}),
        ("smooth_l1_loss", "smooth_l1_loss", {"beta": 0.0}),
    ],
)
def test_regression_and_binary_losses_equal_pytorchs(ours, theirs, keywords, shape, dtype, reduction):
    torch = pytest.importorskip("torch")
    x, target = _pair(shape, dtype)
    if keywords.get("beta") == 0:
        x.flat[0] = target.flat[0]  # where the L1 loss has a corner
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    expected = getattr(torch.nn.functional, theirs)(tensor, torch.from_numpy(target), reduction=reduction, **keywords)
    found = getattr(losses, ours)(x, target, reduction=reduction, **keywords)
    _close_to_torch(found, expected, tensor, dtype)


@REDUCTIONS
@pytest.mark.parametrize("margin", [1.0, 0.3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hinge_loss_equals_pytorchs(dtype, margin, reduction):
    torch = pytest.importorskip("torch")
    x, chances = _pair((4, 700), dtype)
    target = np.where(chances < 0.5, -1, 1)
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    terms = (margin - tensor * torch.from_numpy(target.astype(dtype))).clamp(min=0)
    found = losses.hinge_loss(x, target, margin=margin, reduction=reduction)
    _close_to_torch(found, getattr(terms, reduction)(), tensor, dtype)


@REDUCTIONS
def test_gradients(reduction):
    x, target = _pair((3, 5), np.float64)
    labels = np.array([0, 4, -100])
    check_gradients(losses.softmax_cross_entropy, x, labels, weight=np.arange(1.0, 6.0), reduction=reduction)
    maps = np.random.default_rng(0).standard_normal((2, 3, 2, 2))
    check_gradients(losses.softmax_cross_entropy, maps, np.ones((2, 2, 2), int), reduction=reduction)
    check_gradients(losses.binary_cross_entropy_with_logits, x, target, reduction=reduction)
    check_gradients(losses.smooth_l1_loss, x, target, beta=0.5, reduction=reduction)
    check_gradients(losses.mse_loss, x, target, reduction=reduction)
    check_gradients(losses.hinge_loss, x, np.where(target < 0.5, -1, 1), reduction=reduction)


def test_huge_logits_give_no_overflow_and_the_right_loss():
    x = np.array([1e4, -1e4, 200.0, -200.0, 0.0], np.float32)
    loss, dx = losses.binary_cross_entropy_with_logits(x, np.array([0, 1, 1, 0, 0.5]), reduction="sum")
    np.testing.assert_allclose(loss, 2e4 + np.log(2), rtol=1e-6)
    np.testing.assert_allclose(dx, [1, -1, 0, 0, 0], atol=1e-7)
    scores = np.array([[1e4, 0.0], [0.0, 1e4]], np.float32)
    loss, dscores = losses.softmax_cross_entropy(scores, [1, 1], reduction="sum")
    assert loss == 1e4
    np.testing.assert_allclose(dscores, [[1, -1], [0, 0]], atol=1e-7)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
@pytest.mark.parametrize("shape", [(6, 5), (2, 5, 3, 40)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_nan_score_gives_nan_unless_its_target_is_ignored(shape, dtype, wrong):
    scores = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    target = np.ones((shape[0], *shape[2:]), int)
    scores[(1, 3, *(0 for _ in shape[2:]))] = wrong
    with np.errstate(invalid="ignore"):  # inf - inf
        assert np.isnan(losses.softmax_cross_entropy(scores, target)[0])
    target[1] = -100
    with np.errstate(invalid="ignore"):
        loss, dscores = losses.softmax_cross_entropy(scores, target)
    assert np.isfinite(loss) and np.isfinite(dscores).all() and not dscores[1].any()


@pytest.mark.parametrize("name", ["binary_cross_entropy_with_logits", "smooth_l1_loss", "mse_loss", "hinge_loss"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_nan_gives_nan(name, dtype):
    x = np.zeros((3, 1000), dtype)
    x[2, 7] = np.nan
    assert np.isnan(getattr(losses, name)(x, np.ones(x.shape))[0])


def test_the_loss_of_no_elements_is_zero():
    for shape in [(0, 4), (0, 4, 3, 3), (2, 4, 0, 3)]:
        loss, gradient = losses.softmax_cross_entropy(np.zeros(shape, np.float32), np.zeros(shape[:1] + shape[2:], int))
        assert loss == 0 and loss.dtype == np.float32 and gradient.shape == shape
    for name in ("binary_cross_entropy_with_logits", "smooth_l1_loss", "mse_loss", "hinge_loss"):
        loss, gradient = getattr(losses, name)(np.zeros((0, 4), np.float32), np.zeros((0, 4)))
        assert loss == 0 and loss.dtype == np.float32 and gradient.shape == (0, 4)


@REDUCTIONS
@pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5, 5)])
def test_loss_and_gradient_are_zero_if_all_targets_are_ignored(shape, reduction):
    scores = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    target = np.full((shape[0], *shape[2:]), 255)
    loss, gradient = losses.softmax_cross_entropy(scores, target, ignore_index=255, reduction=reduction)
    assert loss == 0 and not gradient.any()


def test_boolean_masks_can_be_targets():
    x, chances = _pair((2, 5, 5), np.float32)
    mask = chances < 0.5
    found = losses.binary_cross_entropy_with_logits(x, mask)
    expected = losses.binary_cross_entropy_with_logits(x, mask.astype(np.float32))
    assert found[0] == expected[0]
    np.testing.assert_array_equal(found[1], expected[1])


@REDUCTIONS
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy_equals_onnxs(weighted, reduction):
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((2, 3, 4, 5)).astype(np.float32), rng.integers(0, 3, (2, 4, 5))
    inputs = {"x": x, "target": target}
    weight = rng.random(3).astype(np.float32) if weighted else None
    if weighted:
        inputs["w"] = weight
    (expected,) = run_onnx("SoftmaxCrossEntropyLoss", inputs, ["y"], reduction=reduction, ignore_index=2)
    loss, _ = losses.softmax_cross_entropy(x, target, weight=weight, ignore_index=2, reduction=reduction)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_inputs_may_be_read_only_and_strided_and_are_not_changed():
    x, target = _pair((6, 8), np.float32)
    x, target = x[::2, ::-1], target[1::2]
    x.flags.writeable = target.flags.writeable = False
    before = x.copy()
    for name in ("binary_cross_entropy_with_logits", "smooth_l1_loss", "mse_loss"):
        found, expected = getattr(losses, name)(x, target), getattr(losses, name)(x.copy(), target.copy())
        assert found[0] == expected[0]
    losses.softmax_cross_entropy(x, np.arange(6, dtype=np.uint8)[::2])
    np.testing.assert_array_equal(x, before)


SCORES, MAPS = np.zeros((2, 3)), np.zeros((2, 3, 4, 4))


@pytest.mark.parametrize(
    "error, message, call",
    [
        (
            TypeError,
            "scores: expected float32",
            lambda: losses.softmax_cross_entropy(SCORES.astype(int), [0, 1]),
        ),
        (ValueError, "scores: expected shape", lambda: losses.softmax_cross_entropy(SCORES[0], [0, 1])),
        (ValueError, "x: expected shape", lambda: losses.softmax(SCORES[0])),
        (ValueError, "y: expected shape", lambda: losses.softmax_backward(SCORES[0], SCORES[0])),
        (ValueError, "dy: expected shape", lambda: losses.softmax_backward(SCORES[:1], SCORES)),
        (TypeError, "target: expected integers", lambda: losses.softmax_cross_entropy(SCORES, [0.0, 1.0])),
        (ValueError, r"target: expected shape \(2,\)", lambda: losses.softmax_cross_entropy(SCORES, [0])),
        (
            ValueError,
            r"target: expected shape \(2, 4, 4\)",
            lambda: losses.softmax_cross_entropy(MAPS, [0, 1]),
        ),
        (
            ValueError,
            r"target: expected classes in 0 .. 2 .*got 3 at \(1,\); pass ignore_index=3",
            lambda: losses.softmax_cross_entropy(SCORES, [-100, 3]),
        ),
        (ValueError, "target: .*got -1", lambda: losses.softmax_cross_entropy(SCORES, [0, -1])),
        (
            ValueError,
            "target: .*got -100",
            lambda: losses.softmax_cross_entropy(SCORES, [0, -100], ignore_index=1),
        ),
        (
            ValueError,
            "weight: expected shape",
            lambda: losses.softmax_cross_entropy(SCORES, [0, 1], weight=[1.0]),
        ),
        (
            ValueError,
            "reduction: expected 'mean'",
            lambda: losses.softmax_cross_entropy(SCORES, [0, 1], reduction="none"),
        ),
        (ValueError, "target: expected shape", lambda: losses.mse_loss(SCORES, SCORES.T)),
        (ValueError, "reduction: expected 'mean'", lambda: losses.mse_loss(SCORES, SCORES, reduction=None)),
        (ValueError, "beta: expected", lambda: losses.smooth_l1_loss(SCORES, SCORES, beta=-1)),
        (ValueError, r"target: expected -1 .*got 0.0 at \(0, 0\)", lambda: losses.hinge_loss(SCORES, SCORES)),
        (TypeError, "scores: expected float32", lambda: losses.hinge_loss(SCORES.astype(int), SCORES)),
        (
            ValueError,
            "target: expected shape",
            lambda: losses.binary_cross_entropy_with_logits(SCORES, SCORES[:1]),
        ),
    ],
)
def test_errors_name_the_wrong_argument(error, message, call):
    with pytest.raises(error, match=message):
        call()
