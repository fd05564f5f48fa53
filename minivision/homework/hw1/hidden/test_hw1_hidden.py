"""Graded tests of assignment 1: all sizes, other numbers than the visible tests, partial credit."""

import numpy as np
import pytest

import minivision
from minivision import ops
from minivision.data import Batch
from minivision.models import make_model
from minivision.training import SGD


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

ALWAYS = ("conv2d", "conv2d_backward", "max_pool2d", "max_pool2d_backward", "softmax_cross_entropy")
RUNS_ON = {
    "nearest": "upsample_nearest",
    "bed-of-nails": "bed_of_nails",
    "max-unpool": "max_unpool2d",
    "transpose-conv": "conv_transpose2d",
}


def losses_of(upsampling, seed, steps=4):
    """Return the losses of a small encoder-decoder, each before a step, on random pictures."""
    rng = np.random.default_rng([seed, 10])
    images = rng.integers(0, 256, (3, 16, 24, 3)).astype(np.uint8)
    label_maps = (images[..., 0] > 128).astype(np.uint8) + (images[..., 1] > 200)
    batch = Batch(images, [], label_maps)
    options = {"upsampling": upsampling, "widths": (4, 6, 7), "depths": (1, 1, 1)}
    model = make_model("encoder-decoder", ("ground", "red", "bright"), rng=rng, **options)
    optimizer, losses = SGD(model, momentum=0.9), []
    for _ in range(steps):
        losses.append(sum(model.step(batch).values()))
        optimizer.step(0.05)
    return np.array(losses)


def compare_with_library(student, upsampling):
    """Train with the student's operations and with the library's, and compare the losses of each step."""
    for name in (*ALWAYS, RUNS_ON[upsampling], f"{RUNS_ON[upsampling]}_backward"):
        assert name in student.functions, (
            f"the file has no function {name}"
        )  # otherwise the library's function would run
    with student.backend():
        losses = losses_of(upsampling, student.seed)
    with minivision.backend("numba"):
        expected = losses_of(upsampling, student.seed)
    assert np.allclose(losses, expected, rtol=1e-4), f"{upsampling}: the losses should be {expected} and are {losses}"


@pytest.mark.task("1.12", points=1)
def test_the_network_with_nearest_neighbor_upsampling(student):
    compare_with_library(student, "nearest")


@pytest.mark.task("1.12", points=1)
def test_the_network_with_bed_of_nails(student):
    compare_with_library(student, "bed-of-nails")


@pytest.mark.task("1.12", points=1)
def test_the_network_with_max_unpooling(student):
    compare_with_library(student, "max-unpool")


@pytest.mark.task("1.12", points=1)
def test_the_network_with_transpose_convolution(student):
    compare_with_library(student, "transpose-conv")


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
