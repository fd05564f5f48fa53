"""Fixed upsampling on both backends, compared with PyTorch, ONNX and its transposes."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_node import run_onnx

import minivision
from minivision.checks import check_adjoint
from minivision.ops import upsampling

DRAWN = settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-12}
OPERATIONS = [upsampling.bed_of_nails, upsampling.upsample_nearest, upsampling.upsample_bilinear]
WAYS_BACK = [
    upsampling.bed_of_nails_backward,
    upsampling.upsample_nearest_backward,
    upsampling.upsample_bilinear_backward,
]


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


@st.composite
def maps(draw):
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 5), st.integers(1, 6)))
    scale = draw(st.one_of(st.just((2, 2)), st.tuples(st.integers(1, 4), st.integers(1, 5))))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return np.random.default_rng(draw(st.integers(0, 99))).standard_normal(shape).astype(dtype), scale


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@DRAWN
@given(case=maps())
def test_upsampling_and_its_gradient_equal_pytorchs(mode, case):
    torch = pytest.importorskip("torch")
    x, scale = case
    options = {"align_corners": False} if mode == "bilinear" else {}
    given_x = torch.from_numpy(x.copy()).requires_grad_()
    expected = torch.nn.functional.interpolate(
        given_x, scale_factor=tuple(float(s) for s in scale), mode=mode, **options
    )
    y = getattr(upsampling, f"upsample_{mode}")(x, scale)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y, expected.detach(), atol=TOLERANCE[x.dtype.type])
    dy = np.random.default_rng(0).standard_normal(y.shape).astype(x.dtype)
    expected.backward(torch.from_numpy(dy))
    dx = getattr(upsampling, f"upsample_{mode}_backward")(dy, scale)
    assert dx.dtype == x.dtype
    np.testing.assert_allclose(dx, given_x.grad, atol=10 * TOLERANCE[x.dtype.type])


@DRAWN
@given(case=maps())
def test_bed_of_nails_puts_values_in_upper_left_corners_and_zeros_elsewhere(case):
    x, (sh, sw) = case
    y = upsampling.bed_of_nails(x, (sh, sw))
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y[:, :, ::sh, ::sw], x)
    assert np.count_nonzero(y) == np.count_nonzero(x)
    np.testing.assert_array_equal(upsampling.bed_of_nails_backward(y, (sh, sw)), x)


@pytest.mark.parametrize("operation", OPERATIONS)
@DRAWN
@given(case=maps())
def test_each_backward_pass_is_the_transpose(operation, case):
    x, scale = case
    check_adjoint(operation, x, scale)


def test_both_ends_of_a_row_longer_than_a_vector_register_are_right():
    x = np.random.default_rng(0).standard_normal((1, 3, 2, 67)).astype(np.float32)
    y = upsampling.upsample_bilinear(x)
    np.testing.assert_allclose(y[..., 0, 0], x[..., 0, 0], rtol=1e-6)
    np.testing.assert_allclose(y[..., -1, -1], x[..., -1, -1], rtol=1e-6)
    np.testing.assert_allclose(y[..., 0, 1:-1:2], 0.75 * x[..., 0, :-1] + 0.25 * x[..., 0, 1:], atol=1e-6)
    check_adjoint(upsampling.upsample_bilinear, x)


@pytest.mark.parametrize("mode, attributes", [("nearest", {"nearest_mode": "floor"}), ("linear", {})])
@pytest.mark.parametrize("scale", [2, 3])
def test_upsampling_equals_onnx_resize(mode, attributes, scale):
    x = np.random.default_rng(0).standard_normal((1, 2, 3, 4)).astype(np.float32)
    rule = "asymmetric" if mode == "nearest" else "half_pixel"  # where output pixels lie; nearest then floors
    inputs = {"x": x, "roi": np.zeros(0, np.float32), "scales": np.array([1, 1, scale, scale], np.float32)}
    (expected,) = run_onnx("Resize", inputs, ["y"], mode=mode, coordinate_transformation_mode=rule, **attributes)
    ours = upsampling.upsample_nearest if mode == "nearest" else upsampling.upsample_bilinear
    np.testing.assert_allclose(ours(x, scale), expected, atol=1e-5)


@pytest.mark.parametrize("operation", OPERATIONS + WAYS_BACK)
def test_inputs_may_be_read_only_strided_or_empty_and_are_not_changed(operation):
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 6)).astype(np.float32)[:, :, ::2]
    x.flags.writeable = False
    before = x.copy()
    np.testing.assert_array_equal(operation(x), operation(x.copy()))
    np.testing.assert_array_equal(x, before)
    ratio = 2 if operation in OPERATIONS else 0.5
    empty = operation(np.zeros((0, 3, 4, 6), np.float32))
    assert empty.shape == (0, 3, int(4 * ratio), int(6 * ratio)) and empty.dtype == np.float32
    assert operation(np.zeros((1, 3, 0, 6))).size == 0
    assert operation(np.zeros((1, 3, 4, 0))).size == 0


@pytest.mark.parametrize("operation", [upsampling.upsample_nearest, upsampling.upsample_bilinear])
def test_a_nan_changes_only_its_pixels(operation):
    x = np.zeros((1, 1, 4, 4), np.float32)
    x[0, 0, 1, 1] = np.nan
    y = operation(x)
    assert np.isnan(y[0, 0, 2:4, 2:4]).all() and not np.isnan(y[0, 0, 5:]).any()


@pytest.mark.parametrize("operation", OPERATIONS + WAYS_BACK)
def test_errors_name_the_wrong_argument(operation):
    name = "x" if operation in OPERATIONS else "dy"
    with pytest.raises(ValueError, match=f"{name}: expected shape"):
        operation(np.zeros((4, 4)))
    with pytest.raises(TypeError, match=f"{name}: expected float32"):
        operation(np.zeros((1, 1, 4, 4), int))
    with pytest.raises(ValueError, match="scale: expected at least 1"):
        operation(np.zeros((1, 1, 4, 4)), 0)
    with pytest.raises(TypeError, match="scale: expected an integer"):
        operation(np.zeros((1, 1, 4, 4)), 1.5)


@pytest.mark.parametrize("operation", WAYS_BACK)
def test_a_gradient_of_an_impossible_size_is_an_error(operation):
    with pytest.raises(ValueError, match="dy: its width 5 is no multiple of the scale 2"):
        operation(np.zeros((1, 1, 4, 5)))
