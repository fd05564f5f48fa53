"""The bonus: convolutions whose filters are spread out, and whose channels are in groups."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps

# ---- 1.13: dilation and groups --------------------------------------------------------------------------------------


def pixels(numbers):
    """Return one pixel with several channels, an array of shape (1, C, 1, 1)."""
    return np.array(numbers, np.float64).reshape(1, len(numbers), 1, 1)


def check(student, name, setting):
    """Check a function with the small cases that have a setting: loops are slow, and finite differences many."""
    student.check(name, keep=lambda case: setting in case and sum(map(np.size, case.values())) <= 400)


@pytest.mark.task("1.13")
def test_a_dilated_filter_leaves_pixels_out(student):
    expect(
        "[1, 2, 3, 4, 5] with the filter [1, 10] and dilation 2, (1 + 30, 2 + 40, 3 + 50),",
        student.conv2d(maps([1, 2, 3, 4, 5]), maps([1, 10]), dilation=2),
        maps([31, 42, 53]),
        [
            (maps([21, 32, 43, 54]), "the dilation is ignored: the numbers of the filter are two pixels apart"),
            ([21, 32, 43], "the dilation is in the size of the output only, and not in the windows"),
        ],
    )


@pytest.mark.task("1.13")
def test_a_filter_sees_the_channels_of_its_group(student):
    expect(
        "four filters [1 10] on four channels [1 2 3 4] in two groups, (1 + 20, 1 + 20, 3 + 40, 3 + 40),",
        student.conv2d(pixels([1, 2, 3, 4]), np.repeat([[1.0, 10]], 4, axis=0)[:, :, None, None], groups=2),
        pixels([21, 21, 43, 43]),
        [
            ([21, 43, 21, 43], "groups are blocks of neighbors: filter f is in group f // (F // groups)"),
            ([21, 21, 21, 21], "all filters look at the channels of the first group"),
        ],
    )


@pytest.mark.task("1.13")
def test_a_group_need_not_have_as_many_filters_as_channels(student):
    expect(
        "two filters [1 10] on four channels [1 2 3 4] in two groups, (1 + 20, 3 + 40),",
        student.conv2d(pixels([1, 2, 3, 4]), np.repeat([[1.0, 10]], 2, axis=0)[:, :, None, None], groups=2),
        pixels([21, 43]),
        [([21, 21], "filter f is in group f // (F // groups): F is the number of filters, not of channels")],
    )


@pytest.mark.task("1.13")
def test_copies_of_a_dilated_filter_have_gaps(student):
    expect(
        "the sum of 2 * [1 . 10] and 3 * [1 . 10], shifted by one column,",
        student.conv_transpose2d(maps([2, 3]), maps([1, 10]), dilation=2),
        maps([2, 3, 20, 30]),
        [
            (maps([2, 23, 30]), "the dilation is ignored: the numbers of the filter are two pixels apart"),
            ([2, 23, 30, 0], "the dilation is in the size of the output only, and not in the windows"),
        ],
    )


@pytest.mark.task("1.13")
def test_a_channel_goes_to_the_outputs_of_its_group(student):
    expect(
        "four channels [1 2 3 4] with the weights [1 10 100 1000] in two groups, (1 + 20, 300 + 4000),",
        student.conv_transpose2d(pixels([1, 2, 3, 4]), pixels([1, 10, 100, 1000]).reshape(4, 1, 1, 1), groups=2),
        pixels([21, 4300]),
        [
            ([301, 4020], "groups are blocks of neighbors: channel c is in group c // (C // groups)"),
            ([4321, 0], "all channels go to the outputs of the first group"),
        ],
    )


@pytest.mark.task("1.13")
def test_conv2d_with_dilation_agrees_with_the_reference(student):
    check(student, "conv2d", "dilation")


@pytest.mark.task("1.13")
def test_conv2d_backward_with_dilation_agrees_with_finite_differences(student):
    check(student, "conv2d_backward", "dilation")


@pytest.mark.task("1.13")
def test_conv2d_with_groups_agrees_with_the_reference(student):
    check(student, "conv2d", "groups")


@pytest.mark.task("1.13")
def test_conv2d_backward_with_groups_agrees_with_finite_differences(student):
    check(student, "conv2d_backward", "groups")


@pytest.mark.task("1.13")
def test_conv_transpose2d_with_both_agrees_with_the_reference(student):
    check(student, "conv_transpose2d", "dilation")
    check(student, "conv_transpose2d", "groups")


@pytest.mark.task("1.13")
def test_conv_transpose2d_backward_with_both_agrees_with_finite_differences(student):
    check(student, "conv_transpose2d_backward", "dilation")
    check(student, "conv_transpose2d_backward", "groups")
