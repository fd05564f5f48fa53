"""What the slides show, in numbers that can be followed by hand; and a check of each function with many more."""

import numpy as np
import pytest

from minivision.data import Batch
from minivision.models import make_model
from minivision.training import SGD


def maps(numbers):
    """Return one map of one channel, (1, 1, H, W), from rows of numbers; a list of numbers is a map of one row."""
    return np.atleast_2d(np.array(numbers, dtype=np.float64))[None, None]


def expect(what, got, right, **mistakes):
    """Fail unless `got` is `right`; say which of some well-known mistakes gives these very numbers.

    A keyword is the mistake in words, with underscores, and its value is what it would give.
    """
    got, right = np.asarray(got), np.asarray(right)
    if got.shape == right.shape and np.allclose(got, right):
        return
    message = f"{what} should be\n{right.squeeze()}\nand is\n{got.squeeze()}"
    if got.shape != right.shape:
        raise AssertionError(f"{message}\n  → Its shape is {got.shape}, and should be {right.shape}.")
    for mistake, numbers in mistakes.items():
        if np.allclose(got, np.asarray(numbers).reshape(right.shape)):
            raise AssertionError(f"{message}\n  → {mistake.replace('__', ': ').replace('_', ' ')}.")
    raise AssertionError(message)


def expect_balance(dx, x, dw, w):
    """Fail unless ``<dx, x> = <dw, w>``: y is linear in x and in w alike, so both are ``<dy, y>``, whatever dy is."""
    left, right = np.vdot(dx, x), np.vdot(dw, w)
    if left == 0:
        raise AssertionError("dx is zero everywhere")
    if not np.isclose(left, right):
        raise AssertionError(f"<dx, x> = {left:.9g} and <dw, w> = {right:.9g} should be the same number")


def tiny(case):
    """Return whether a case is small enough for every element to be moved, also by slow loops."""
    return sum(value.size for value in case.values() if isinstance(value, np.ndarray)) <= 400


# ---- 1.1: convolution ----------------------------------------------------------------------------------------------


@pytest.mark.task("1.1")
def test_a_filter_of_ones_adds_up_each_window(student):
    x = maps([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    y = student.conv2d(x, np.ones((1, 1, 2, 2)))
    expect("each element of y, a sum of four neighbours,", y, maps([[12, 16], [24, 28]]))


@pytest.mark.task("1.1")
def test_the_filter_slides_as_it_is(student):
    y = student.conv2d(maps([1, 2, 3]), maps([1, 10]))
    expect(
        "[1, 2, 3] with the filter [1, 10], (1 + 20, 2 + 30),",
        y,
        maps([21, 32]),
        the_filter_is_turned_by_180_degrees=[12, 23],
        only_as_many_columns_are_calculated_as_there_are_rows__maps_need_not_be_square=[21, 0],
    )


@pytest.mark.task("1.1")
def test_with_stride_2_every_other_window_is_taken(student):
    y = student.conv2d(maps([1, 2, 3, 4, 5]), np.ones((1, 1, 1, 3)), stride=2, padding=(0, 1))
    expect(
        "the sums of [0 1 2], [2 3 4], [4 5 0]",
        y,
        maps([3, 9, 9]),
        the_padding_on_the_left_is_not_looked_at=[6, 12, 5],
        the_stride_is_not_looked_at=[3, 6, 9],
    )


@pytest.mark.task("1.1")
def test_a_filter_looks_at_all_channels_and_adds_its_bias_once(student):
    x = np.array([1.0, 2, 3]).reshape(1, 3, 1, 1)
    w = np.array([[1.0, 1, 1], [100, 10, 1]]).reshape(2, 3, 1, 1)
    y = student.conv2d(x, w, np.array([0.5, 0.25]))
    expect(
        "two filters of 1 x 1 on three channels, with biases 0.5 and 0.25,",
        y.ravel(),
        [6.5, 123.25],
        the_bias_is_not_added=[6, 123],
        the_bias_is_added_once_for_every_channel=[7.5, 123.75],
    )


@pytest.mark.task("1.1")
def test_conv2d_agrees_with_the_textbook(student):
    student.check("conv2d")


# ---- 1.2: the gradients of convolution -----------------------------------------------------------------------------


@pytest.mark.task("1.2")
def test_the_middle_pixel_was_used_by_two_windows(student):
    # y = [1 + 20, 2 + 30] came from x = [1, 2, 3] and w = [1, 10].
    dx, dw, db = student.conv2d_backward(maps([1, 1]), maps([1, 2, 3]), maps([1, 10]))
    expect(
        "dx: [1 10 .] and [. 1 10] added up",
        dx,
        maps([1, 11, 10]),
        the_last_window_overwrites_what_the_first_one_gave__they_add_up=[1, 1, 10],
        the_filter_is_turned_by_180_degrees=[10, 11, 1],
        dy_is_multiplied_by_the_window_of_x__the_gradient_of_one_factor_is_dy_times_the_other_factor=[1, 4, 3],
    )
    expect(
        "dw: the windows [1 2] and [2 3] added up",
        dw,
        maps([3, 5]),
        the_last_window_overwrites_what_the_first_one_gave__they_add_up=[2, 3],
        the_mean_over_the_windows_is_taken_and_not_their_sum=[1.5, 2.5],
        dy_is_multiplied_by_w__the_gradient_of_one_factor_is_dy_times_the_other_factor=[2, 20],
    )
    expect("db: the sum of dy", db, [2.0], the_mean_of_dy_is_taken_and_not_its_sum=[1.0])


@pytest.mark.task("1.2")
def test_what_falls_on_the_padding_is_dropped(student):
    # The windows are [0 1], [1 2] and [2 0]: the first and the last reach into the padding.
    dx, dw, _ = student.conv2d_backward(maps([1, 2, 4]), maps([1, 2]), maps([1, 10]), padding=(0, 1))
    expect(
        "dx: [1 10 . .] + 2 * [. 1 10 .] + 4 * [. . 1 10] without its ends",
        dx,
        maps([12, 24]),
        dx_is_cut_out_of_the_padded_map_one_column_too_early__it_begins_at_column_left=[1, 12],
    )
    expect("dw: 1 * [0 1] + 2 * [1 2] + 4 * [2 0]", dw, maps([10, 5]))


@pytest.mark.task("1.2")
def test_both_gradients_weigh_the_same(student):
    rng = np.random.default_rng(0)
    x, w, dy = (rng.normal(size=shape) for shape in [(2, 3, 7, 6), (4, 3, 3, 2), (2, 4, 3, 4)])
    dx, dw, _ = student.conv2d_backward(dy, x, w, stride=(2, 2), padding=((0, 0), (1, 1)))
    expect_balance(dx, x, dw, w)


@pytest.mark.task("1.2")
def test_conv2d_backward_agrees_with_differences(student):
    student.check("conv2d_backward", keep=tiny)


# ---- 1.3: max pooling ----------------------------------------------------------------------------------------------

# The lecture's example: a map of 4 x 4, and where the largest number of each block stands.
BEFORE = [[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]
POOLED = [[5, 6], [7, 8]]
SWITCHES = np.array([[5, 2], [12, 15]])[None, None]


@pytest.mark.task("1.3")
def test_pooling_as_on_the_slide(student):
    y, indices = student.max_pool2d(maps(BEFORE), 2)
    expect("the largest number of each block", y, maps(POOLED), the_mean_is_taken=[2.75, 3, 3.25, 3.75])
    expect(
        "where it stood, row * 4 + column,",
        indices,
        SWITCHES,
        the_indices_count_within_each_window_and_not_in_the_whole_plane=[3, 0, 2, 3],
        an_index_is_row_W_plus_column__not_column_H_plus_row=[5, 8, 3, 15],
    )


@pytest.mark.task("1.3")
def test_of_equal_numbers_the_first_wins(student):
    _, indices = student.max_pool2d(np.ones((1, 1, 2, 4)), 2)
    expect(
        "where the maximum of [1 1; 1 1] stands: at the first of them",
        indices.ravel(),
        [0, 2],
        the_last_of_equal_numbers_wins=[5, 7],
    )


@pytest.mark.task("1.3")
def test_the_padding_is_never_the_maximum(student):
    y, indices = student.max_pool2d(maps([[-1, -2], [-3, -4]]), 3, stride=2, padding=1)
    expect(
        "the largest of four negative numbers",
        y,
        maps([[-1]]),
        the_zeros_of_the_padding_take_part__they_should_be_minus_infinity=[0],
    )
    expect(
        "its index",
        indices,
        [[[[0]]]],
        the_index_counts_in_the_padded_map__it_should_count_in_x_without_its_padding=[5],
    )


@pytest.mark.task("1.3")
def test_windows_may_overlap(student):
    y, indices = student.max_pool2d(maps([1, 5, 2, 3]), (1, 2), stride=1)
    expect(
        "the maxima of [1 5], [5 2], [2 3]",
        y,
        maps([5, 5, 3]),
        the_stride_is_the_kernel_size_only_where_none_is_given=[5, 3, 0],
    )
    expect("where they stood", indices.ravel(), [1, 1, 3])


@pytest.mark.task("1.3")
def test_max_pool2d_agrees_with_the_textbook(student):
    student.check("max_pool2d")


# ---- 1.4: the gradient of max pooling ------------------------------------------------------------------------------


@pytest.mark.task("1.4")
def test_the_gradient_goes_to_where_the_maximum_stood(student):
    dx = student.max_pool2d_backward(maps([[1, 2], [3, 4]]), SWITCHES, (4, 4))
    expect(
        "dx",
        dx,
        maps([[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]),
        it_goes_to_the_corner_of_each_block_and_not_to_where_the_maximum_stood=np.kron(
            [[1, 2], [3, 4]], [[1, 0], [0, 0]]
        ),
        every_pixel_of_the_block_gets_the_gradient__only_the_maximum_had_a_part_in_y=np.kron(
            [[1, 2], [3, 4]], [[1, 1], [1, 1]]
        ),
    )


@pytest.mark.task("1.4")
def test_a_pixel_that_was_the_maximum_twice_gets_both_gradients(student):
    dx = student.max_pool2d_backward(maps([10, 1, 7]), np.array([1, 1, 3]).reshape(1, 1, 1, 3), (1, 4))
    expect(
        "dx: 10 + 1 at the place of index 1",
        dx,
        maps([0, 11, 0, 7]),
        the_last_gradient_overwrites_the_first__they_add_up=[0, 1, 0, 7],
        the_first_gradient_is_kept_and_the_last_one_lost__they_add_up=[0, 10, 0, 7],
    )


@pytest.mark.task("1.4")
def test_an_index_counts_along_the_rows_of_x(student):
    dx = student.max_pool2d_backward(maps([9]), np.full((1, 1, 1, 1), 3), (2, 3))
    expect(
        "9 at index 3 of a map of 2 x 3, in row 1 and column 0,",
        dx,
        maps([[0, 0, 0], [9, 0, 0]]),
        the_index_is_divided_by_the_height__a_row_has_W_elements=[[0, 0, 0], [0, 9, 0]],
    )


@pytest.mark.task("1.4")
def test_max_pool2d_backward_agrees_with_differences(student):
    student.check("max_pool2d_backward")


# ---- 1.5: max unpooling --------------------------------------------------------------------------------------------


@pytest.mark.task("1.5")
def test_unpooling_as_on_the_slide(student):
    y = student.max_unpool2d(maps([[1, 2], [3, 4]]), SWITCHES, (4, 4))
    expect(
        "y",
        y,
        maps([[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]),
        that_is_a_bed_of_nails__each_number_goes_to_where_its_index_says=np.kron([[1, 2], [3, 4]], [[1, 0], [0, 0]]),
    )


@pytest.mark.task("1.5")
def test_an_index_counts_along_rows_of_the_output(student):
    y = student.max_unpool2d(maps([9]), np.full((1, 1, 1, 1), 3), (2, 3))
    expect(
        "9 at index 3 of a map of 2 x 3, in row 1 and column 0,",
        y,
        maps([[0, 0, 0], [9, 0, 0]]),
        the_index_is_divided_by_the_height__a_row_has_W_elements=[[0, 0, 0], [0, 9, 0]],
    )


@pytest.mark.task("1.5")
def test_two_numbers_at_one_place_add_up(student):
    y = student.max_unpool2d(maps([10, 1]), np.array([2, 2]).reshape(1, 1, 1, 2), (1, 4))
    expect(
        "y: 10 + 1 at index 2",
        y,
        maps([0, 0, 11, 0]),
        the_last_number_overwrites_the_first__they_add_up=[0, 0, 1, 0],
    )


@pytest.mark.task("1.5")
def test_going_back_fetches_the_gradient_from_the_same_place(student):
    dx = student.max_unpool2d_backward(maps(np.arange(16).reshape(4, 4)), SWITCHES)
    expect(
        "dx: dy at the indices",
        dx,
        maps([[5, 2], [12, 15]]),
        it_is_fetched_from_the_corner_of_each_block_and_not_from_where_its_index_says=[[0, 2], [8, 10]],
    )
    dx = student.max_unpool2d_backward(maps([[10, 11, 12], [13, 14, 15]]), np.full((1, 1, 1, 1), 3))
    expect(
        "dx: dy at index 3 of a map of 2 x 3, in row 1 and column 0,",
        dx,
        maps([13]),
        the_index_is_divided_by_the_height__a_row_has_W_elements=[14],
    )


@pytest.mark.task("1.5")
def test_max_unpool2d_agrees_with_the_textbook(student):
    student.check("max_unpool2d")


@pytest.mark.task("1.5")
def test_max_unpool2d_backward_agrees_with_differences(student):
    student.check("max_unpool2d_backward")


# ---- 1.6: nearest neighbour ----------------------------------------------------------------------------------------


@pytest.mark.task("1.6")
def test_each_number_fills_its_block(student):
    y = student.upsample_nearest(maps([[1, 2], [3, 4]]))
    expect(
        "y",
        y,
        maps([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]),
        the_map_is_laid_out_again_and_again__np_tile_where_np_repeat_is_meant=np.tile([[1, 2], [3, 4]], (2, 2)),
        that_is_a_bed_of_nails__each_number_should_fill_its_block=np.kron([[1, 2], [3, 4]], [[1, 0], [0, 0]]),
    )


@pytest.mark.task("1.6")
def test_a_scale_for_height_and_one_for_width(student):
    expect("y", student.upsample_nearest(maps([1, 2]), (1, 3)), maps([1, 1, 1, 2, 2, 2]))


@pytest.mark.task("1.6")
def test_a_number_that_was_used_four_times_gets_the_sum_of_four_gradients(student):
    dx = student.upsample_nearest_backward(maps(np.arange(16).reshape(4, 4)))
    expect(
        "dx: 0 + 1 + 4 + 5 and so on",
        dx,
        maps([[10, 18], [42, 50]]),
        the_mean_over_each_block_is_taken_and_not_its_sum=[[2.5, 4.5], [10.5, 12.5]],
        only_the_upper_left_gradient_of_each_block_arrives__all_four_add_up=[[0, 2], [8, 10]],
        only_the_last_gradient_of_each_block_arrives__all_four_add_up=[[5, 7], [13, 15]],
    )


@pytest.mark.task("1.6")
def test_upsample_nearest_agrees_with_the_textbook(student):
    student.check("upsample_nearest")


@pytest.mark.task("1.6")
def test_upsample_nearest_backward_agrees_with_differences(student):
    student.check("upsample_nearest_backward")


# ---- 1.7: bed of nails ---------------------------------------------------------------------------------------------


@pytest.mark.task("1.7")
def test_each_number_stands_in_the_corner_of_its_block(student):
    y = student.bed_of_nails(maps([[1, 2], [3, 4]]))
    expect(
        "y",
        y,
        maps([[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]),
        the_nail_is_in_the_lower_right_corner__it_belongs_in_the_upper_left=np.kron([[1, 2], [3, 4]], [[0, 0], [0, 1]]),
        that_is_nearest_neighbour__only_the_upper_left_corner_of_a_block_is_not_zero=np.kron(
            [[1, 2], [3, 4]], [[1, 1], [1, 1]]
        ),
    )


@pytest.mark.task("1.7")
def test_only_the_gradient_at_the_nail_arrives(student):
    dx = student.bed_of_nails_backward(maps(np.arange(16).reshape(4, 4)))
    expect(
        "dx: dy at the upper left of each block",
        dx,
        maps([[0, 2], [8, 10]]),
        the_whole_block_is_added_up__but_its_zeros_were_not_made_from_x=[[10, 18], [42, 50]],
        it_is_taken_from_the_lower_right_corner__the_nail_is_in_the_upper_left=[[5, 7], [13, 15]],
    )


@pytest.mark.task("1.7")
def test_bed_of_nails_agrees_with_the_textbook(student):
    student.check("bed_of_nails")


@pytest.mark.task("1.7")
def test_bed_of_nails_backward_agrees_with_differences(student):
    student.check("bed_of_nails_backward")


# ---- 1.8: transpose convolution ------------------------------------------------------------------------------------


@pytest.mark.task("1.8")
def test_where_copies_overlap_they_add_up(student):
    # The lecture's picture in one row: input [a b], filter [x y z], stride 2 -> ax, ay, az + bx, by, bz.
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2)
    expect(
        "2 * [1 10 100] and 3 * [1 10 100], two further to the right,",
        y,
        maps([2, 20, 203, 30, 300]),
        the_last_copy_overwrites_the_first_where_they_overlap__they_add_up=[2, 20, 3, 30, 300],
        the_first_copy_is_kept_where_they_overlap__they_add_up=[2, 20, 200, 30, 300],
        the_filter_is_turned_by_180_degrees=[200, 20, 302, 30, 3],
        the_sum_is_divided_by_the_number_of_copies=[2, 20, 101.5, 30, 300],
    )


@pytest.mark.task("1.8")
def test_the_padding_cuts_off(student):
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2, padding=(0, 1))
    expect(
        "the same without its first and last column",
        y,
        maps([20, 203, 30]),
        the_rows_and_columns_at_the_end_are_cut_off_twice_and_those_at_the_beginning_not=[2, 20, 203],
    )


@pytest.mark.task("1.8")
def test_output_padding_goes_on_at_the_end(student):
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2, output_padding=(0, 1))
    expect(
        "the same with one more column on the right",
        y,
        maps([2, 20, 203, 30, 300, 0]),
        the_output_padding_is_put_at_the_beginning=[0, 2, 20, 203, 30, 300],
    )
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), stride=2, padding=(0, 1), output_padding=(0, 1))
    expect(
        "with both, what the padding had cut off on the right comes back",
        y,
        maps([20, 203, 30, 300]),
        the_output_padding_is_filled_with_zeros__it_shows_what_the_padding_had_cut_off=[20, 203, 30, 0],
    )


@pytest.mark.task("1.8")
def test_the_bias_is_added_once_to_each_output(student):
    y = student.conv_transpose2d(maps([2, 3]), maps([1, 10, 100]), np.array([0.5]), stride=2)
    expect(
        "the same with a bias of 0.5",
        y,
        maps([2.5, 20.5, 203.5, 30.5, 300.5]),
        the_bias_is_added_for_every_copy__so_it_counts_twice_where_two_overlap=[2.5, 20.5, 204, 30.5, 300.5],
        the_bias_is_not_added=[2, 20, 203, 30, 300],
    )


@pytest.mark.task("1.8")
def test_conv_transpose2d_agrees_with_the_textbook(student):
    student.check("conv_transpose2d")


# ---- 1.9: the gradients of transpose convolution -------------------------------------------------------------------


@pytest.mark.task("1.9")
def test_each_input_looks_at_dy_under_its_copy(student):
    # y came from x = [2, 3] and w = [1, 10, 100] with stride 2, and covers five columns.
    dx, dw, db = student.conv_transpose2d_backward(maps([1, 2, 3, 4, 5]), maps([2, 3]), maps([1, 10, 100]), stride=2)
    expect(
        "dx: [1 2 3] . w and [3 4 5] . w",
        dx,
        maps([321, 543]),
        the_filter_is_turned_by_180_degrees=[123, 345],
    )
    expect(
        "dw: 2 * [1 2 3] + 3 * [3 4 5]",
        dw,
        maps([11, 16, 21]),
        the_last_copy_overwrites_what_the_first_one_gave__they_add_up=[9, 12, 15],
        the_mean_over_the_inputs_is_taken_and_not_the_sum=[5.5, 8, 10.5],
    )
    expect("db: the sum of dy", db, [15.0], the_mean_of_dy_is_taken_and_not_its_sum=[3.0])


@pytest.mark.task("1.9")
def test_what_was_cut_off_has_no_gradient(student):
    # With padding 1 the outer columns of the canvas were cut off: dy belongs to the three in the middle.
    dx, dw, _ = student.conv_transpose2d_backward(
        maps([1, 2, 3]), maps([2, 3]), maps([1, 10, 100]), stride=2, padding=(0, 1)
    )
    expect("dx: [0 1 2] . w and [2 3 0] . w", dx, maps([210, 32]))
    expect("dw: 2 * [0 1 2] + 3 * [2 3 0]", dw, maps([6, 11, 4]))


@pytest.mark.task("1.9")
def test_both_gradients_of_the_transpose_weigh_the_same(student):
    rng = np.random.default_rng(0)
    x, w, dy = (rng.normal(size=shape) for shape in [(2, 3, 4, 3), (3, 2, 3, 3), (2, 2, 9, 7)])
    dx, dw, _ = student.conv_transpose2d_backward(dy, x, w, stride=2)
    expect_balance(dx, x, dw, w)


@pytest.mark.task("1.9")
def test_conv_transpose2d_backward_agrees_with_differences(student):
    student.check("conv_transpose2d_backward", keep=tiny)


# ---- 1.10: a segmenter ---------------------------------------------------------------------------------------------


def squares(count=2, size=16):
    """Return a batch of pictures with a red square (class 1) or a blue one (class 2) on a grey ground."""
    rng = np.random.default_rng(7)
    images = rng.integers(90, 130, (count, size, size, 3)).astype(np.uint8)
    label_maps = np.zeros((count, size, size), np.uint8)
    for n in range(count):
        top, left = rng.integers(1, size // 2, 2)
        place = n, slice(top, top + size // 2), slice(left, left + size // 2)
        images[place] = (220, 40, 40) if n % 2 == 0 else (40, 40, 220)
        label_maps[place] = 1 + n % 2
    return Batch(images, [], label_maps)


def train_on_squares(upsampling, steps=4):
    """Return the losses of a small encoder-decoder, one before each step."""
    model = make_model(
        "encoder-decoder",
        ("ground", "red", "blue"),
        upsampling=upsampling,
        widths=(4, 6),
        depths=(1, 1),
        rng=np.random.default_rng(0),
    )
    optimizer, batch, losses = SGD(model, momentum=0.9), squares(), []
    for _ in range(steps):
        losses.append(sum(model.step(batch).values()))
        optimizer.step(0.2)
    return np.array(losses)


def hold_to(losses, right, upsampling):
    """Fail unless the losses of a training run are those that it should have."""
    right = np.array(right)
    wrong = ~np.isclose(losses, right, rtol=1e-3)
    if not wrong.any():
        return
    step = int(wrong.argmax())
    if step == 0:
        where = (
            "The loss is wrong before anything was learned, so something on the way forward is: conv2d, max_pool2d, "
            f"or what {upsampling} runs on. Test tasks 1.1, 1.3 and the one of {upsampling}."
        )
    else:
        where = (
            f"The way forward is right, for so is the first loss; after {step} step{'s' * (step > 1)} they part, so a "
            f"gradient is wrong: conv2d_backward, max_pool2d_backward, or that of what {upsampling} runs on. Test "
            f"tasks 1.2, 1.4 and the one of {upsampling}."
        )
    raise AssertionError(f"{upsampling}: the losses should be {right.round(4)} and are {losses.round(4)}.\n  → {where}")


@pytest.mark.task("1.10")
def test_a_segmenter_with_nearest_neighbour_learns(student):
    with student.backend():
        hold_to(train_on_squares("nearest"), [1.137636, 1.015931, 0.910132, 0.800520], "nearest")


@pytest.mark.task("1.10")
def test_a_segmenter_with_bed_of_nails_learns(student):
    with student.backend():
        hold_to(train_on_squares("bed-of-nails"), [1.116863, 1.041774, 0.952995, 0.850403], "bed-of-nails")


@pytest.mark.task("1.10")
def test_a_segmenter_with_max_unpooling_learns(student):
    with student.backend():
        hold_to(train_on_squares("max-unpool"), [1.107313, 1.027535, 0.942915, 0.855138], "max-unpool")


@pytest.mark.task("1.10")
def test_a_segmenter_with_transpose_convolution_learns(student):
    with student.backend():
        hold_to(train_on_squares("transpose-conv"), [1.191489, 1.027635, 0.990754, 0.887266], "transpose-conv")
