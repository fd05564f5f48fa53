"""Regions on both backends, compared with torchvision, ONNX Runtime, PyTorch, finite differences and transposes."""

import os
import subprocess
import sys
from fractions import Fraction

import numba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx_node import run_onnx
from torchvision_values import torchvision_cases

import minivision
from minivision import ops
from minivision.checks import check_adjoint, check_gradients

DRAWN = settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-12}


@pytest.fixture(params=["reference", "numba"], autouse=True)
def on_backend(request):
    with minivision.backend(request.param):
        yield request.param


def some_rois(rng, count, images, height, width):
    """Return regions that reach beyond the map, at corners that are no halves."""
    low = rng.uniform(-0.3, 0.8, (count, 2)) * (width, height)
    high = low + rng.uniform(0.05, 1, (count, 2)) * (width, height)
    return np.column_stack([rng.integers(0, images, count), low, high])


@st.composite
def regions(draw):
    """Draw maps of several images, regions and a grid."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    rois = some_rois(rng, draw(st.integers(0, 5)), shape[0], *shape[2:])
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    output_size = draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    return rng.standard_normal(shape).astype(dtype), rois.astype(dtype), output_size


# ---- torchvision


def test_roi_pool_and_its_gradient_equal_torchvisions():
    for (x, rois, dy), keywords, (expected, expected_argmax, expected_dx) in torchvision_cases("roi_pool"):
        y, argmax = ops.roi_pool(x, rois, **keywords)
        assert y.dtype == x.dtype
        np.testing.assert_array_equal(y, expected, err_msg=str(keywords))
        np.testing.assert_array_equal(argmax, expected_argmax, err_msg=str(keywords))
        dx = ops.roi_pool_backward(dy, rois, argmax, x.shape)
        assert dx.dtype == x.dtype
        np.testing.assert_allclose(dx, expected_dx, atol=TOLERANCE[x.dtype], err_msg=str(keywords))


def test_roi_align_and_its_gradient_equal_torchvisions():
    cases = torchvision_cases("roi_align")
    assert {(keywords["aligned"], keywords["sampling_ratio"]) for _, keywords, _ in cases} == {
        (aligned, sampling_ratio) for aligned in (True, False) for sampling_ratio in (-1, 2)
    }
    for (x, rois, dy), keywords, (expected, expected_dx) in cases:
        y = ops.roi_align(x, rois, **keywords)
        assert y.dtype == x.dtype
        np.testing.assert_allclose(y, expected, atol=TOLERANCE[x.dtype], err_msg=str(keywords))
        del keywords["output_size"]
        dx = ops.roi_align_backward(dy, rois, x.shape, **keywords)
        assert dx.dtype == x.dtype
        np.testing.assert_allclose(dx, expected_dx, atol=10 * TOLERANCE[x.dtype], err_msg=str(keywords))


# ---- ONNX


@pytest.mark.parametrize("runtime", [False, True], ids=["onnx", "onnxruntime"])
@pytest.mark.parametrize("aligned, mode", [(True, "half_pixel"), (False, "output_half_pixel")])
@pytest.mark.parametrize("sampling_ratio", [0, 2])
def test_roi_align_equals_onnxs(rng, aligned, mode, sampling_ratio, runtime):
    x = rng.standard_normal((2, 3, 7, 8)).astype(np.float32)
    rois = some_rois(rng, 9, 2, 14, 16).astype(np.float32)
    size = {"output_height": 3, "output_width": 2, "spatial_scale": 0.5}
    inputs = {"x": x, "rois": rois[:, 1:], "images": rois[:, 0].astype(np.int64)}
    (expected,) = run_onnx(
        "RoiAlign",
        inputs,
        ["y"],
        runtime=runtime,
        coordinate_transformation_mode=mode,
        sampling_ratio=sampling_ratio,
        **size,
    )
    y = ops.roi_align(x, rois, (3, 2), spatial_scale=0.5, sampling_ratio=sampling_ratio, aligned=aligned)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_roi_pool_equals_onnxs(rng):
    x = rng.standard_normal((2, 3, 7, 8)).astype(np.float32)
    rois = np.concatenate([some_rois(rng, 9, 2, 14, 16), [[1, 3, 3, 1, 1], [0, -30, -30, -20, -20]]])
    inputs = {"x": x, "rois": rois.astype(np.float32)}
    (expected,) = run_onnx("MaxRoiPool", inputs, ["y"], runtime=True, pooled_shape=[3, 2], spatial_scale=0.5)
    np.testing.assert_array_equal(ops.roi_pool(x, rois, (3, 2), spatial_scale=0.5)[0], expected)


# ---- PyTorch, for the warp


@st.composite
def whole_pixel_crops(draw):
    height, width = draw(st.tuples(st.integers(3, 12), st.integers(3, 12)))
    y1, x1 = draw(st.tuples(st.integers(-6, height + 4), st.integers(-6, width + 4)))
    box = (x1, y1, x1 + draw(st.integers(1, 14)), y1 + draw(st.integers(1, 14)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    x = np.random.default_rng(draw(st.integers(0, 99))).standard_normal((2, 3, height, width)).astype(dtype)
    return x, box, draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))


@DRAWN
@given(whole_pixel_crops(), st.integers(0, 1))
def test_a_crop_of_whole_pixels_is_resized_as_in_pytorch_with_zeros_outside_the_map(case, image):
    torch = pytest.importorskip("torch")
    x, (x1, y1, x2, y2), output_size = case
    margin = 30
    padded = np.pad(x[image], ((0, 0), (margin, margin), (margin, margin)))
    crop = padded[None, :, y1 + margin : y2 + margin, x1 + margin : x2 + margin]
    expected = torch.nn.functional.interpolate(torch.from_numpy(crop), output_size, mode="bilinear")
    y = ops.crop_and_resize(x, np.array([[image, x1, y1, x2, y2]]), output_size)
    np.testing.assert_allclose(y, expected, atol=TOLERANCE[x.dtype])


def test_a_crop_that_gets_smaller_is_sampled_as_in_pytorchs_grid_sample(rng):
    torch = pytest.importorskip("torch")
    x = rng.standard_normal((1, 2, 9, 12))
    rois = np.array([[0, -2.3, 1.4, 9.1, 8.9], [0, 3.2, -4.5, 14.7, 5.25], [0, 1.5, 0.5, 7.5, 6.5]])
    y = ops.crop_and_resize(x, 2 * rois * [0.5, 1, 1, 1, 1], (3, 4), spatial_scale=0.5)
    i, j = np.arange(3) + 0.5, np.arange(4) + 0.5
    for k, (_, x1, y1, x2, y2) in enumerate(rois):
        down, across = np.meshgrid(y1 + i * (y2 - y1) / 3, x1 + j * (x2 - x1) / 4, indexing="ij")
        grid = np.stack([across / 12, down / 9], axis=-1)[None] * 2 - 1  # from -1 to 1 over the map
        expected = torch.nn.functional.grid_sample(
            torch.from_numpy(x), torch.from_numpy(grid), padding_mode="zeros", align_corners=False
        )
        np.testing.assert_allclose(y[k : k + 1], expected, atol=1e-12)


def test_a_crop_less_than_a_pixel_wide_is_read_along_its_middle(rng):
    x = rng.standard_normal((1, 1, 6, 6))
    y = ops.crop_and_resize(x, np.array([[0, 2.4, 1, 2.6, 4], [0, 2.5, 1, 2.5, 4], [0, 4, 1, 1, 4]]), 3)
    np.testing.assert_allclose(y[:2, 0], np.repeat(x[0, :, 1:4, 2], 3, axis=0).reshape(3, 3).T[None].repeat(2, 0))
    np.testing.assert_allclose(y[2], y[1], err_msg="inverted")


# ---- transposes and differences


@DRAWN
@given(regions(), st.booleans(), st.sampled_from([-1, 1, 2, 3]), st.sampled_from([1.0, 0.5, 1.7]))
def test_the_backward_pass_of_roi_align_is_the_transpose(case, aligned, sampling_ratio, scale):
    keywords = {"spatial_scale": scale, "aligned": aligned, "sampling_ratio": sampling_ratio}
    check_adjoint(ops.roi_align, *case, **keywords)


@DRAWN
@given(regions(), st.sampled_from([1.0, 0.5, 1.7]))
def test_the_backward_pass_of_crops_is_the_transpose(case, scale):
    check_adjoint(ops.crop_and_resize, *case, spatial_scale=scale)


def test_gradients_equal_finite_differences_where_regions_overlap(rng):
    x = rng.permutation(2 * 2 * 6 * 7).reshape(2, 2, 6, 7).astype(float)  # no ties
    rois = some_rois(rng, 5, 2, 6, 7)
    check_gradients(ops.roi_pool, x, rois, 3)
    check_gradients(ops.roi_align, x, rois, (2, 3), sampling_ratio=2)
    check_gradients(ops.crop_and_resize, x, rois, (4, 2))


@pytest.mark.parametrize("channels", [1, 70])
def test_gradients_are_the_same_bits_every_time_and_on_any_number_of_threads(rng, channels):
    shape = (2, channels, 9, 8)
    rois = some_rois(rng, 40, 2, 9, 8).astype(np.float32)
    dy = rng.standard_normal((40, channels, 3, 3)).astype(np.float32)
    argmax = rng.integers(-1, 72, dy.shape)
    passes = [
        lambda: ops.roi_pool_backward(dy, rois, argmax, shape),
        lambda: ops.roi_align_backward(dy, rois, shape),
        lambda: ops.crop_and_resize_backward(dy, rois, shape),
    ]
    threads = numba.get_num_threads()
    try:
        first = [backward() for backward in passes]
        for count in (1, threads, threads):
            numba.set_num_threads(count)
            for backward, expected in zip(passes, first, strict=True):
                np.testing.assert_array_equal(backward(), expected)
    finally:
        numba.set_num_threads(threads)


# ---- what the slides say


def test_roi_pool_takes_the_maximum_of_each_cell():
    x = np.arange(36.0).reshape(1, 1, 6, 6)
    y, argmax = ops.roi_pool(x, np.array([[0, 0.0, 0.0, 3.0, 5.0]]), 2)  # both corners belong to the region
    assert y[0, 0].tolist() == [[13, 15], [31, 33]]
    assert argmax[0, 0].tolist() == [[13, 15], [31, 33]] and argmax.dtype == np.int32


def test_corners_at_halves_are_rounded_away_from_zero():
    x = np.arange(36.0).reshape(1, 1, 6, 6)
    y, _ = ops.roi_pool(x, np.array([[0, 0.5, 2.5, 0.5, 2.5], [0, 1.5, 0.0, 1.5, 0.0]]), 1)
    assert y.ravel().tolist() == [3 * 6 + 1, 2]  # NumPy would round 0.5 to 0 and 2.5 to 2
    y, _ = ops.roi_pool(x - 40, np.array([[0, -0.5, 0.0, 0.0, 0.0]]), (1, 2))
    assert y.ravel().tolist() == [0, -40]  # from column -1: the first cell lies off the map


def test_the_first_of_equal_maxima_is_taken_and_nan_gives_nan():
    x = np.zeros((1, 1, 4, 4))
    rois = np.array([[0, 0.0, 0.0, 3.0, 3.0]])
    assert ops.roi_pool(x, rois, 2)[1].ravel().tolist() == [0, 2, 8, 10]
    x[0, 0, 1, 1] = np.nan
    x[0, 0, 2, 2:] = -np.inf
    x[0, 0, 3, 2:] = -np.inf
    y, argmax = ops.roi_pool(x, rois, 2)
    np.testing.assert_array_equal(y[0, 0], [[np.nan, 0], [0, -np.inf]])
    assert argmax.ravel().tolist() == [5, 2, 8, 10]


def test_roi_align_of_a_plane_gives_its_values_at_the_centers_of_cells(rng):
    rows, cols = np.mgrid[:12, :12] + 0.5  # pixel centers
    x = (3 * rows - 2 * cols)[None, None]
    rois = np.array([[0, 2.2, 3.7, 8.6, 9.1]])
    y = ops.roi_align(x, rois, (3, 2))
    down = 3.7 + (np.arange(3) + 0.5) * (9.1 - 3.7) / 3
    across = 2.2 + (np.arange(2) + 0.5) * (8.6 - 2.2) / 2
    np.testing.assert_allclose(y[0, 0], 3 * down[:, None] - 2 * across, atol=1e-12)
    half_a_pixel_off = ops.roi_align(x, rois, (3, 2), aligned=False)
    np.testing.assert_allclose(half_a_pixel_off - y, 0.5 * (3 - 2), atol=1e-12)


def test_regions_outside_the_map_give_zeros_and_get_no_gradient(rng):
    x = 1 + rng.random((2, 3, 5, 6))
    rois = np.array([[1, -30.0, -30.0, -20.0, -20.0], [0, 50.0, 1.0, 60.0, 4.0], [0, -9.0, -9.0, -9.0, 90.0]])
    y, argmax = ops.roi_pool(x, rois, 2)
    assert not y.any() and (argmax == -1).all()
    assert not ops.roi_align(x, rois, 2).any() and not ops.crop_and_resize(x, rois, 2).any()
    ones = np.ones(y.shape)
    assert not ops.roi_pool_backward(ones, rois, argmax, x.shape).any()
    assert not ops.roi_align_backward(ones, rois, x.shape).any()
    assert not ops.crop_and_resize_backward(ones, rois, x.shape).any()


def test_an_inverted_region_with_as_many_samples_as_pixels_has_none(rng):
    x = rng.standard_normal((1, 2, 7, 8))
    for box in ([5, 1, 2, 4], [4, 5, 1, 2]):  # on the first, torchvision asks for a negative amount of memory
        rois = np.array([[0, *box]], float)
        assert not ops.roi_align(x, rois, 3).any()
        assert not ops.roi_align_backward(np.ones((1, 2, 3, 3)), rois, x.shape).any()
        assert ops.roi_align(x, rois, 3, aligned=False).all() and ops.roi_align(x, rois, 3, sampling_ratio=2).all()


def test_a_nan_changes_only_the_cells_that_read_it(rng):
    x = rng.standard_normal((1, 40, 12, 12))
    x[0, 3, 2, 2] = np.nan
    rois = np.array([[0, 0.0, 0.0, 12.0, 12.0], [0, 5.0, 5.0, 12.0, 12.0]])
    for y in (ops.roi_align(x, rois, 3), ops.crop_and_resize(x, rois, 6), ops.roi_pool(x, rois, 3)[0]):
        assert np.isnan(y).sum() == 1 and np.isnan(y[0, 3]).sum() == 1


def test_numbers_of_any_kind_can_be_pooled():
    """Bodies run on Python's objects, as a trace does; kernels stand aside for those that are no machine numbers."""
    x = np.array([[[[Fraction(k, 3) for k in range(4 * row, 4 * row + 4)] for row in range(4)]]], dtype=object)
    rois = np.array([[0, 0, 0, 2, 4]], dtype=object)
    assert ops.roi_pool(x, rois, 1)[0].item() == Fraction(14, 3)
    for y in (ops.roi_align(x, rois, (2, 1), sampling_ratio=1), ops.crop_and_resize(x, rois, (2, 1))):
        np.testing.assert_allclose(y.ravel().astype(float), [2.5 / 3, 10.5 / 3])
        assert y.dtype == object


@pytest.mark.parametrize("on_backend", ["numba"], indirect=True)
def test_no_kernel_writes_or_reads_beyond_its_arrays():
    """Run the kernels as plain Python, where NumPy looks at every index; maps are narrow, regions large."""
    script = """
import numpy as np
import minivision
from minivision import ops

def run():
    rng = np.random.default_rng(0)
    for H, W in ((2, 13), (11, 2), (1, 1)):
        x, shape = rng.standard_normal((2, 3, H, W)), (2, 3, H, W)
        boxes = [(0, -1, -2, W + 3, H + 2), (1, W, H, 0, 0), (1, 0.3, 0.4, W - 0.1, H - 0.2), (0, 90, 90, 99, 99)]
        rois = np.array(boxes, float)
        for size in ((1, 2), (3, 1)):
            dy = rng.standard_normal((4, 3, *size))
            y, argmax = ops.roi_pool(x, rois, size)
            yield from (y, argmax, ops.roi_pool_backward(dy, rois, argmax, shape))
            yield from (ops.crop_and_resize(x, rois, size), ops.crop_and_resize_backward(dy, rois, shape))
            for aligned in (True, False):
                for samples in (-1, 1, 9):
                    keywords = {"aligned": aligned, "sampling_ratio": samples}
                    yield ops.roi_align(x, rois, size, **keywords)
                    yield ops.roi_align_backward(dy, rois, shape, **keywords)

got = list(run())
with minivision.backend("reference"):
    expected = list(run())
for a, b in zip(got, expected, strict=True):
    np.testing.assert_allclose(a, b, atol=1e-12)
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    result = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]


# ---- empty, read-only, written to, refused


def test_no_images_no_regions_and_no_channels_give_empty_results_of_the_right_shape():
    rois = np.zeros((0, 5), np.float32)
    for shape, given_rois in (((0, 3, 5, 6), rois), ((2, 3, 5, 6), rois), ((2, 0, 5, 6), np.zeros((4, 5)))):
        x = np.ones(shape, np.float32)
        expected = (len(given_rois), shape[1], 2, 3)
        y, argmax = ops.roi_pool(x, given_rois, (2, 3))
        assert y.shape == argmax.shape == expected and y.dtype == np.float32
        assert ops.roi_align(x, given_rois, (2, 3)).shape == expected
        assert ops.crop_and_resize(x, given_rois, (2, 3)).shape == expected
        for dx in (
            ops.roi_pool_backward(y, given_rois, argmax, shape),
            ops.roi_align_backward(y, given_rois, shape),
            ops.crop_and_resize_backward(y, given_rois, shape),
        ):
            assert dx.shape == shape and dx.dtype == np.float32 and not dx.any()


def test_argmax_may_have_any_integer_dtype(rng):
    x, rois = rng.standard_normal((1, 2, 5, 6)), np.array([[0, -3.0, 0.0, 4.0, 4.0]])
    y, argmax = ops.roi_pool(x, rois, 3)
    expected = ops.roi_pool_backward(y, rois, argmax, x.shape)
    for dtype in (np.int8, np.int64):
        np.testing.assert_array_equal(ops.roi_pool_backward(y, rois, argmax.astype(dtype), x.shape), expected)


X = np.ones((2, 3, 5, 6))
ROIS = np.array([[0, 1.0, 1.0, 4.0, 4.0], [1, 0.0, 0.0, 3.0, 3.0]])
DY = np.ones((2, 3, 2, 2))
ARGMAX = np.zeros((2, 3, 2, 2), np.int32)
POOLS = [ops.roi_pool, ops.roi_align, ops.crop_and_resize]


def changed(array, at, value):
    array = array.copy()
    array[at] = value
    return array


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize(
    "error, message, arguments, keywords",
    [
        (TypeError, "x: expected float32", (X.astype(int), ROIS, 2), {}),
        (ValueError, r"x: expected shape \(N, C, H, W\)", (X[0], ROIS, 2), {}),
        (ValueError, "x: expected at least one row and one column", (X[:, :, :0], ROIS, 2), {}),
        (ValueError, r"rois: expected shape \(K, 5\), the number of the image", (X, ROIS[:, 1:], 2), {}),
        (ValueError, "rois: row 1 belongs to image 2.0, but .* 0 .. 1", (X, changed(ROIS, (1, 0), 2), 2), {}),
        (ValueError, "rois: row 0 belongs to image -1.0", (X, changed(ROIS, (0, 0), -1), 2), {}),
        (ValueError, "rois: row 1 belongs to image 0.5", (X, changed(ROIS, (1, 0), 0.5), 2), {}),
        (ValueError, "rois: row 0 .* the batch has no image", (X[:0], ROIS, 2), {}),
        (ValueError, r"rois: .*finite.*got nan at \(1, 0\)", (X, changed(ROIS, (1, 0), np.nan), 2), {}),
        (ValueError, r"rois: .*finite.*got nan at \(0, 3\)", (X, changed(ROIS, (0, 3), np.nan), 2), {}),
        (ValueError, r"rois: .*got -inf at \(1, 2\)", (X, changed(ROIS, (1, 2), -np.inf), 2), {}),
        (ValueError, "rois: .*within 16777216 pixels.*clip", (X, changed(ROIS, (1, 4), 2e7), 2), {}),
        (ValueError, "rois: .*got 10000000.0 at", (X, changed(ROIS, (1, 4), 1e7), 2), {"spatial_scale": 2}),
        (TypeError, "rois: expected numbers", (X, ROIS.astype(str), 2), {}),
        (ValueError, "output_size: expected at least 1", (X, ROIS, 0), {}),
        (TypeError, "output_size: expected an integer", (X, ROIS, 2.5), {}),
        (ValueError, "spatial_scale: .*got -0.5", (X, ROIS, 2), {"spatial_scale": -0.5}),
        (ValueError, "spatial_scale: .*got inf", (X, ROIS, 2), {"spatial_scale": np.inf}),
        (TypeError, "spatial_scale: expected a number", (X, ROIS, 2), {"spatial_scale": "1/16"}),
    ],
)
def test_errors_name_the_wrong_argument(pool, error, message, arguments, keywords):
    with pytest.raises(error, match=message):
        pool(*arguments, **keywords)


@pytest.mark.parametrize(
    "backward",
    [
        lambda dy, rois, shape: ops.roi_pool_backward(dy, rois, ARGMAX, shape),
        ops.roi_align_backward,
        ops.crop_and_resize_backward,
    ],
    ids=["roi_pool", "roi_align", "crop_and_resize"],
)
@pytest.mark.parametrize(
    "message, arguments",
    [
        (r"dy: expected shape \(K, C, H', W'\)", (DY[0], ROIS, X.shape)),
        (r"dy: expected shape \(2, 3, 2, 2\) \(a grid for each of rois", (DY[:1], ROIS, X.shape)),
        ("dy: expected at least one row and one column", (DY[:, :, :0], ROIS, X.shape)),
        (r"dy: expected shape \(2, 4, 2, 2\)", (DY, ROIS, (2, 4, 5, 6))),
        ("rois: row 1 belongs to image 1.0, but .* 0 .. 0", (DY, ROIS, (1, 3, 5, 6))),
        ("rois: .*got nan", (DY, changed(ROIS, (0, 1), np.nan), X.shape)),
        (r"input_shape: expected the shape \(N, C, H, W\)", (DY, ROIS, (5, 6))),
        ("input_shape: expected at least one row and one column", (DY, ROIS, (2, 3, 0, 6))),
        ("input_shape: expected at least 0", (DY, ROIS, (2, 3, -5, 6))),
    ],
)
def test_errors_of_the_backward_pass_name_the_wrong_argument(backward, message, arguments):
    with pytest.raises(ValueError, match=message):
        backward(*arguments)


@pytest.mark.parametrize(
    "error, message, argmax",
    [
        (
            ValueError,
            r"argmax: expected values in 0 .. 29, got 30 at \(1, 2, 0, 1\)",
            changed(ARGMAX, (1, 2, 0, 1), 30),
        ),
        (ValueError, "argmax: .*got -2", changed(ARGMAX, (0, 0, 0, 0), -2)),
        (ValueError, "argmax: .*got 4294967296", changed(ARGMAX.astype(np.int64), (0, 0, 0, 0), 2**32)),
        (ValueError, "argmax: expected shape", ARGMAX[:1]),
        (TypeError, "argmax: expected integers", ARGMAX + 0.5),
    ],
)
def test_an_argmax_outside_the_map_is_an_error(error, message, argmax):
    with pytest.raises(error, match=message):
        ops.roi_pool_backward(DY, ROIS, argmax, X.shape)


def test_sampling_ratio_is_an_integer_and_not_below_minus_1():
    with pytest.raises(ValueError, match="sampling_ratio: expected at least -1, got -2"):
        ops.roi_align(X, ROIS, 2, sampling_ratio=-2)
    with pytest.raises(TypeError, match="sampling_ratio: expected an integer"):
        ops.roi_align_backward(DY, ROIS, X.shape, sampling_ratio=1.5)
