"""Graded tests of assignment 1: all sizes, other numbers than the visible tests, partial credit."""

import numpy as np
import pytest

import minivision
from minivision import ops
from minivision.homework import segmenter


def plain(case):
    """Without settings."""
    return not {"stride", "padding", "output_padding", "dilation", "groups"} & set(case)


def strided_or_padded(case):
    """Stride and padding, but neither dilation nor groups."""
    return not {"dilation", "groups"} & set(case)


def only_stride(case):
    """Only a stride: no padding, output padding, dilation or groups."""
    return not {"padding", "output_padding", "dilation", "groups"} & set(case)


def windows_apart(case):
    """Pooling windows that do not overlap: no pixel is the maximum of two."""
    if "kernel_size" in case:
        return not {"stride", "padding"} & set(case)
    return all(np.unique(plane).size == plane.size for image in case["indices"] for plane in image)


def with_equals(case):
    """Maps in which a number occurs more than once."""
    return np.unique(case["x"]).size < case["x"].size


def square_scale(case):
    """The same scale for height and width."""
    return np.ndim(case.get("scale", 2)) == 0


# ---- 1.1 and 1.2: upsampling without weights ------------------------------------------------------------------------


@pytest.mark.task("1.1", points=2)
def test_bed_of_nails_by_one_scale(student):
    student.check("bed_of_nails", seed=student.seed, keep=square_scale)


@pytest.mark.task("1.1", points=1)
def test_bed_of_nails_by_any_scale(student):
    student.check("bed_of_nails", seed=student.seed)


@pytest.mark.task("1.1", points=2)
def test_bed_of_nails_backward_by_one_scale(student):
    student.check("bed_of_nails_backward", seed=student.seed, keep=square_scale)


@pytest.mark.task("1.1", points=1)
def test_bed_of_nails_backward_by_any_scale(student):
    student.check("bed_of_nails_backward", seed=student.seed)


@pytest.mark.task("1.2", points=2)
def test_upsample_nearest_by_one_scale(student):
    student.check("upsample_nearest", seed=student.seed, keep=square_scale)


@pytest.mark.task("1.2", points=2)
def test_upsample_nearest_by_any_scale(student):
    student.check("upsample_nearest", seed=student.seed)


@pytest.mark.task("1.2", points=2)
def test_upsample_nearest_backward_by_one_scale(student):
    student.check("upsample_nearest_backward", seed=student.seed, keep=square_scale)


@pytest.mark.task("1.2", points=2)
def test_upsample_nearest_backward_by_any_scale(student):
    student.check("upsample_nearest_backward", seed=student.seed)


# ---- 1.3 to 1.5: pooling and unpooling ------------------------------------------------------------------------------


@pytest.mark.task("1.3", points=4)
def test_max_pool2d_of_separate_windows(student):
    student.check("max_pool2d", seed=student.seed, keep=lambda case: windows_apart(case) and not with_equals(case))


@pytest.mark.task("1.3", points=4)
def test_max_pool2d_of_windows_that_overlap_or_contain_padding(student):
    student.check("max_pool2d", seed=student.seed, keep=lambda case: not with_equals(case))


@pytest.mark.task("1.3", points=2)
def test_max_pool2d_of_equal_numbers_and_nan(student):
    student.check("max_pool2d", seed=student.seed, keep=with_equals)
    x = np.random.default_rng(student.seed).normal(size=(1, 2, 4, 6))
    x[0, 1, 2, 3] = np.nan  # in the window of output (1, 1)
    y, _ = student.max_pool2d(x, 2)
    assert np.argwhere(np.isnan(y)).tolist() == [[0, 1, 1, 1]], "a window with a NaN gives NaN, and no other window"


@pytest.mark.task("1.4", points=4)
def test_max_pool2d_backward_of_separate_windows(student):
    student.check("max_pool2d_backward", seed=student.seed, keep=windows_apart)


@pytest.mark.task("1.4", points=4)
def test_max_pool2d_backward_of_all_windows(student):
    student.check("max_pool2d_backward", seed=student.seed)


@pytest.mark.task("1.5", points=3)
def test_max_unpool2d_to_different_indices(student):
    student.check("max_unpool2d", seed=student.seed, keep=windows_apart)


@pytest.mark.task("1.5", points=3)
def test_max_unpool2d_to_any_indices(student):
    student.check("max_unpool2d", seed=student.seed)


@pytest.mark.task("1.5", points=4)
def test_max_unpool2d_backward(student):
    student.check("max_unpool2d_backward", seed=student.seed)


# ---- 1.6 and 1.7: convolution ---------------------------------------------------------------------------------------


@pytest.mark.task("1.6", points=4)
def test_conv2d_without_settings(student):
    student.check("conv2d", seed=student.seed, keep=plain)


@pytest.mark.task("1.6", points=3)
def test_conv2d_with_stride(student):
    student.check("conv2d", seed=student.seed, keep=only_stride)


@pytest.mark.task("1.6", points=3)
def test_conv2d_with_stride_and_padding(student):
    student.check("conv2d", seed=student.seed, keep=strided_or_padded)


@pytest.mark.task("1.7", points=4)
def test_conv2d_backward_without_settings(student):
    student.check("conv2d_backward", seed=student.seed, keep=plain)


@pytest.mark.task("1.7", points=4)
def test_conv2d_backward_with_stride(student):
    student.check("conv2d_backward", seed=student.seed, keep=only_stride)


@pytest.mark.task("1.7", points=4)
def test_conv2d_backward_with_stride_and_padding(student):
    student.check("conv2d_backward", seed=student.seed, keep=strided_or_padded)


# ---- 1.8 and 1.9: transpose convolution -----------------------------------------------------------------------------


def compare_with_uneven_padding(student, backward):
    """Compare results for a padding that differs on all four sides."""
    rng = np.random.default_rng([student.seed, 8])
    x, w = rng.normal(size=(2, 3, 4, 5)), rng.normal(size=(3, 2, 5, 4))
    settings = {"stride": (2, 1), "padding": ((1, 2), (3, 0))}
    arguments = x, w
    if backward:
        arguments = rng.normal(size=ops.conv_transpose2d(x, w, **settings).shape), x, w
    name = "conv_transpose2d_backward" if backward else "conv_transpose2d"
    got, right = (getattr(each, name)(*arguments, **settings) for each in (student, ops))
    for mine, other in zip(got, right, strict=True):
        assert np.allclose(mine, other, rtol=0, atol=1e-5 * abs(other).max()), f"{settings}: {name} is wrong"


@pytest.mark.task("1.8", points=5)
def test_conv_transpose2d_with_stride(student):
    student.check("conv_transpose2d", seed=student.seed, keep=only_stride)


@pytest.mark.task("1.8", points=5)
def test_conv_transpose2d_with_stride_and_padding(student):
    student.check("conv_transpose2d", seed=student.seed, keep=strided_or_padded)
    compare_with_uneven_padding(student, backward=False)


@pytest.mark.task("1.9", points=5)
def test_conv_transpose2d_backward_with_stride(student):
    student.check("conv_transpose2d_backward", seed=student.seed, keep=only_stride)


@pytest.mark.task("1.9", points=5)
def test_conv_transpose2d_backward_with_stride_and_padding(student):
    student.check("conv_transpose2d_backward", seed=student.seed, keep=strided_or_padded)
    compare_with_uneven_padding(student, backward=True)


# ---- 1.12: a segmentation network -----------------------------------------------------------------------------------


def expect_points(student, wanted):
    """Judge the segmenter that was handed in: by the library, on scenes that nobody has seen."""
    path = student.handed_in(segmenter.FILE)
    with minivision.backend("numba"):
        said = segmenter.expect_points(path, "test", wanted, seed=student.seed)
    student.remark = said


@pytest.mark.task("1.12", points=1)
def test_your_segmenter_earns_the_first_point(student):
    expect_points(student, 1)


@pytest.mark.task("1.12", points=1)
def test_your_segmenter_earns_the_second_point(student):
    expect_points(student, 2)


@pytest.mark.task("1.12", points=1)
def test_your_segmenter_earns_the_third_point(student):
    expect_points(student, 3)


@pytest.mark.task("1.12", points=1)
def test_your_segmenter_earns_the_fourth_point(student):
    expect_points(student, 4)


# ---- 1.13: dilation and groups --------------------------------------------------------------------------------------


def check_both(student, forward, setting):
    """Check a function and its backward pass with all cases that have a setting."""
    names = forward, f"{forward}_backward"
    for name in names:
        assert name in student.functions, f"the file has no function {name}"
    for name in names:
        student.check(name, seed=student.seed, keep=lambda case: setting in case)


@pytest.mark.task("1.13", points=1)
def test_convolution_with_dilation(student):
    check_both(student, "conv2d", "dilation")


@pytest.mark.task("1.13", points=2)
def test_convolution_with_groups(student):
    check_both(student, "conv2d", "groups")


@pytest.mark.task("1.13", points=1)
def test_transpose_convolution_with_dilation(student):
    check_both(student, "conv_transpose2d", "dilation")


@pytest.mark.task("1.13", points=2)
def test_transpose_convolution_with_groups(student):
    check_both(student, "conv_transpose2d", "groups")
