"""Convolution and transpose convolution: examples to follow by hand, and a check with many more numbers."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps


def expect_equal_products(dx, x, dw, w):
    """Fail unless ``<dx, x> = <dw, w>``: y is linear in x and in w, so both are ``<dy, y>`` for any dy."""
    left, right = np.vdot(dx, x), np.vdot(dw, w)
    if left == 0:
        raise AssertionError("dx is zero everywhere")
    if not np.isclose(left, right):
        raise AssertionError(f"<dx, x> = {left:.9g} and <dw, w> = {right:.9g} should be the same number")


def tiny(case):
    """Return whether a case is small enough for finite differences of every element, with slow loops."""
    return sum(value.size for value in case.values() if isinstance(value, np.ndarray)) <= 400


def without_bonus(case):
    """Return whether a case has neither dilation nor groups."""
    return not {"dilation", "groups"} & set(case)


# ---- 1.6: convolution -----------------------------------------------------------------------------------------------


@pytest.mark.task("1.6")
def test_a_filter_of_ones_sums_each_window(student):
    x = maps([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    y = student.conv2d(x, np.ones((1, 1, 2, 2)))
    expect("each element of y, the sum of four neighbors,", y, maps([[12, 16], [24, 28]]))


@pytest.mark.task("1.6")
def test_the_filter_is_not_flipped(student):
    y = student.conv2d(maps([1, 2, 3]), maps([1, 10]))
    expect(
        "[1, 2, 3] with the filter [1, 10], (1 + 20, 2 + 30),",
        y,
        maps([21, 32]),
        [
            ([12, 23], "the filter is flipped (rotated by 180 degrees): use it as it is"),
            ([21, 0], "the number of rows is used for the columns: maps need not be square"),
        ],
    )


@pytest.mark.task("1.6")
def test_with_stride_2_every_second_window_is_used(student):
    y = student.conv2d(maps([1, 2, 3, 4, 5]), np.ones((1, 1, 1, 3)), stride=2, padding=(0, 1))
    expect(
        "the sums of [0 1 2], [2 3 4], [4 5 0]",
        y,
        maps([3, 9, 9]),
        [([6, 12, 5], "the padding on the left is ignored"), ([3, 6, 9], "the stride is ignored")],
    )


@pytest.mark.task("1.6")
def test_the_stride_has_a_number_for_each_direction(student):
    y = student.conv2d(maps([[1, 2, 3, 4, 5], [6, 7, 8, 9, 10]]), maps([1]), stride=(1, 2))
    expect(
        "each row, and every second column,",
        y,
        maps([[1, 3, 5], [6, 8, 10]]),
        [([[1, 2, 3], [6, 7, 8]], "the vertical number of stride is used for both directions, or none")],
    )


@pytest.mark.task("1.6")
def test_a_filter_uses_all_channels_and_adds_its_bias_once(student):
    x = np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)
    w = np.array([[1.0, 1, 1], [100, 10, 1]]).reshape(2, 3, 1, 1)
    y = student.conv2d(x, w, np.array([0.5, 0.25]))
    expect(
        "the output of two 1 x 1 filters for three channels, with biases 0.5 and 0.25,",
        y.ravel(),
        [6.5, 123.25],
        [([6, 123], "the bias is not added"), ([7.5, 123.75], "the bias is added once for every channel")],
    )


@pytest.mark.task("1.6")
def test_conv2d_agrees_with_the_reference(student):
    student.check("conv2d", keep=without_bonus)


# ---- 1.7: the gradients of convolution ------------------------------------------------------------------------------


@pytest.mark.task("1.7")
def test_the_gradients_of_two_windows_add_up_in_the_middle_pixel(student):
    # y = [1 + 20, 2 + 30] came from x = [1, 2, 3] and w = [1, 10].
    dx, dw, db = student.conv2d_backward(maps([1, 1]), maps([1, 2, 3]), maps([1, 10]))
    expect(
        "dx, the sum of [1 10 .] and [. 1 10],",
        dx,
        maps([1, 11, 10]),
        [
            ([1, 1, 10], "the gradient of the last window overwrites the first one: they add up"),
            ([10, 11, 1], "the filter is flipped (rotated by 180 degrees): use it as it is"),
            ([1, 4, 3], "dy is multiplied by the window of x: the gradient of one factor is dy times the other factor"),
        ],
    )
    expect(
        "dw, the sum of the windows [1 2] and [2 3],",
        dw,
        maps([3, 5]),
        [
            ([2, 3], "the gradient of the last window overwrites the first one: they add up"),
            ([1.5, 2.5], "it is the mean over the windows, not their sum"),
            ([2, 20], "dy is multiplied by w: the gradient of one factor is dy times the other factor"),
        ],
    )
    expect("db, the sum of dy,", db, [2.0], [([1.0], "it is the mean of dy, not its sum")])


@pytest.mark.task("1.7")
def test_gradients_of_the_padding_are_dropped(student):
    # The windows are [0 1], [1 2] and [2 0]: the first and the last reach into the padding.
    dx, dw, _ = student.conv2d_backward(maps([1, 2, 4]), maps([1, 2]), maps([1, 10]), padding=(0, 1))
    expect(
        "dx, [1 10 . .] + 2 * [. 1 10 .] + 4 * [. . 1 10] without its ends,",
        dx,
        maps([12, 24]),
        [([1, 12], "dx is taken from the padded map one column too early: it begins at column `left`")],
    )
    expect("dw, 1 * [0 1] + 2 * [1 2] + 4 * [2 0],", dw, maps([10, 5]))


@pytest.mark.task("1.7")
def test_both_gradients_have_the_same_product(student):
    rng = np.random.default_rng(0)
    x, w, dy = (rng.normal(size=shape) for shape in [(2, 3, 7, 6), (4, 3, 3, 2), (2, 4, 3, 4)])
    dx, dw, _ = student.conv2d_backward(dy, x, w, stride=(2, 2), padding=((0, 0), (1, 1)))
    expect_equal_products(dx, x, dw, w)


@pytest.mark.task("1.7")
def test_conv2d_backward_agrees_with_finite_differences(student):
    student.check("conv2d_backward", keep=lambda case: tiny(case) and without_bonus(case))


# ---- 1.8: transpose convolution -------------------------------------------------------------------------------------


@pytest.mark.task("1.8")
def test_overlapping_copies_add_up(student):
    # The picture of the lecture in one row: input [a b], filter [x y z], stride 2 -> ax, ay, az + bx, by, bz.
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2)
    expect(
        "the sum of 2 * [1 10 100] and 3 * [1 10 100], shifted by two columns,",
        y,
        maps([2, 20, 203, 30, 300]),
        [
            ([2, 20, 3, 30, 300], "the last copy overwrites the first where they overlap: they add up"),
            ([2, 20, 200, 30, 300], "the first copy is kept where they overlap: they add up"),
            ([200, 20, 302, 30, 3], "the filter is flipped (rotated by 180 degrees): use it as it is"),
            ([2, 20, 101.5, 30, 300], "the sum is divided by the number of copies"),
        ],
    )


@pytest.mark.task("1.8")
def test_the_padding_removes_rows_and_columns(student):
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2, padding=(0, 1))
    expect(
        "the same output without its first and last column",
        y,
        maps([20, 203, 30]),
        [
            ([2, 20, 203], "rows and columns are removed twice at the end, and none at the beginning"),
            (
                maps([0, 2, 20, 203, 30, 300, 0]),
                "the padding is added around the result: in a transpose convolution it is removed",
            ),
            (maps([2, 20, 203, 30, 300]), "the padding is ignored: it removes rows and columns around the result"),
        ],
    )
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2, padding=((0, 0), (2, 1)))
    expect(
        "the same output without its first two columns and its last one",
        y,
        maps([203, 30]),
        [([20, 203], "the two sides of the padding are swapped: it is ((top, bottom), (left, right))")],
    )


@pytest.mark.task("1.8")
def test_output_padding_extends_the_end(student):
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2, output_padding=(0, 1))
    expect(
        "the same output with one more column on the right",
        y,
        maps([2, 20, 203, 30, 300, 0]),
        [([0, 2, 20, 203, 30, 300], "the output padding is added at the beginning")],
    )
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2, padding=(0, 1), output_padding=(0, 1))
    expect(
        "with both, the output with the column that the padding had removed on the right",
        y,
        maps([20, 203, 30, 300]),
        [
            (
                [20, 203, 30, 0],
                "the output padding is filled with zeros: it shows the values that the padding had removed",
            )
        ],
    )


@pytest.mark.task("1.8")
def test_the_bias_is_added_once_to_each_output(student):
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), np.array([0.5]), stride=2)
    expect(
        "the same output with a bias of 0.5",
        y,
        maps([2.5, 20.5, 203.5, 30.5, 300.5]),
        [
            (
                [2.5, 20.5, 204, 30.5, 300.5],
                "the bias is added for every copy: it counts twice where two copies overlap",
            ),
            ([2, 20, 203, 30, 300], "the bias is not added"),
        ],
    )


@pytest.mark.task("1.8")
def test_conv_transpose2d_agrees_with_the_reference(student):
    student.check("conv_transpose2d", keep=without_bonus)


# ---- 1.9: the gradients of transpose convolution --------------------------------------------------------------------


@pytest.mark.task("1.9")
def test_the_gradient_of_an_input_comes_from_its_window_of_dy(student):
    # y came from x = [2, 3] and w = [1, 10, 100] with stride 2, and covers five columns.
    dx, dw, db = student.conv_transpose2d_backward(maps([1, 2, 3, 4, 5]), maps([2, 3]), maps([1, 10, 100]), stride=2)
    expect(
        "dx, [1 2 3] . w and [3 4 5] . w,",
        dx,
        maps([321, 543]),
        [([123, 345], "the filter is flipped (rotated by 180 degrees): use it as it is")],
    )
    expect(
        "dw, 2 * [1 2 3] + 3 * [3 4 5],",
        dw,
        maps([11, 16, 21]),
        [
            ([9, 12, 15], "the gradient of the last copy overwrites the first one: they add up"),
            ([5.5, 8, 10.5], "it is the mean over the inputs, not the sum"),
        ],
    )
    mistakes = [
        ([3.0], "it is the mean of dy, not its sum"),
        ([18.0], "both windows of dy are summed, and they share its 3: each number of dy counts once."),
    ]
    expect("db, the sum of dy,", db, [15.0], mistakes)


@pytest.mark.task("1.9")
def test_removed_columns_have_no_gradient(student):
    # With padding 1 the outer columns were removed: dy belongs to the three columns in the middle.
    dx, dw, _ = student.conv_transpose2d_backward(
        maps([1, 2, 3]), maps([2, 3]), maps([1, 10, 100]), stride=2, padding=(0, 1)
    )
    expect("dx, [0 1 2] . w and [2 3 0] . w,", dx, maps([210, 32]))
    expect("dw, 2 * [0 1 2] + 3 * [2 3 0],", dw, maps([6, 11, 4]))
    # Here only the first column was removed.
    dx, _, _ = student.conv_transpose2d_backward(
        maps([1, 2, 3, 4]), maps([2, 3]), maps([1, 10, 100]), stride=2, padding=((0, 0), (1, 0))
    )
    expect(
        "dx, [0 1 2] . w and [2 3 4] . w,",
        dx,
        maps([210, 432]),
        [([321, 43], "the two sides are swapped: padding is ((top, bottom), (left, right))")],
    )


@pytest.mark.task("1.9")
def test_both_gradients_of_transpose_convolution_have_the_same_product(student):
    rng = np.random.default_rng(0)
    x, w, dy = (rng.normal(size=shape) for shape in [(2, 3, 4, 3), (3, 2, 3, 3), (2, 2, 9, 7)])
    dx, dw, _ = student.conv_transpose2d_backward(dy, x, w, stride=2)
    expect_equal_products(dx, x, dw, w)


@pytest.mark.task("1.9")
def test_conv_transpose2d_backward_agrees_with_finite_differences(student):
    student.check("conv_transpose2d_backward", keep=lambda case: tiny(case) and without_bonus(case))
