"""Max pooling and unpooling, as on the slides."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps

# ---- 1.3: max pooling -----------------------------------------------------------------------------------------------


# The example of the lecture: a 4 x 4 map, and the positions of the largest number of each block.
BEFORE = [[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]
POOLED = [[5, 6], [7, 8]]
INDICES = np.array([[5, 2], [12, 15]])[None, None]


@pytest.mark.task("1.3")
def test_pooling_as_on_the_slide(student):
    y, indices = student.max_pool2d(maps(BEFORE), 2)
    expect("y, the largest number of each block,", y, maps(POOLED), [([[2.75, 3], [3.25, 3.75]], "this is the mean")])
    expect(
        "its index, row * 4 + column,",
        indices,
        INDICES,
        [
            ([[3, 0], [2, 3]], "the indices count within each window: they should count in the whole plane"),
            ([[5, 8], [3, 15]], "an index is row * W + column, not column * H + row"),
        ],
    )
    _, indices = student.max_pool2d(np.repeat(maps(BEFORE), 2, axis=1), 2)
    expect(
        "the indices of two channels with the same numbers",
        indices,
        np.repeat(INDICES, 2, axis=1),
        [
            (
                np.concatenate([INDICES, INDICES + 16], axis=1),
                "the indices count through all planes of x: each plane has indices of its own",
            )
        ],
    )


@pytest.mark.task("1.3")
def test_the_first_of_equal_maxima_counts(student):
    _, indices = student.max_pool2d(np.ones((1, 1, 2, 4)), 2)
    expect(
        "the index of the maximum of [1 1; 1 1], the first of them,",
        indices.ravel(),
        [0, 2],
        [([5, 7], "it is the last of equal numbers, not the first")],
    )


@pytest.mark.task("1.3")
def test_the_padding_is_never_the_maximum(student):
    y, indices = student.max_pool2d(maps([[-1, -2], [-3, -4]]), 3, stride=2, padding=1)
    expect(
        "y, the largest of four negative numbers,",
        y,
        maps([[-1]]),
        [([0], "the zeros of the padding count: they should be minus infinity")],
    )
    expect(
        "its index",
        indices,
        [[[[0]]]],
        [([5], "the index counts in the padded map: it should count in x, without its padding")],
    )


@pytest.mark.task("1.3")
def test_a_window_that_reaches_into_the_padding_is_cut_off(student):
    # Rows and columns before the map do not exist: the window of output (0, 0) has two rows and two columns.
    x = maps([[1, 2, 3, 8], [4, 9, 5, 6], [0, 0, 0, 0], [0, 0, 0, 0]])
    y, indices = student.max_pool2d(x, 3, stride=(3, 2), padding=((1, 0), (1, 0)))
    expect(
        "y, the largest numbers of [1 2; 4 9] and [2 3 8; 9 5 6],",
        y,
        maps([9, 9]),
    )
    expect(
        "their indices, both row 1 and column 1,",
        indices.ravel(),
        [5, 5],
        [
            (
                [4, 5],
                "a window that is cut off has a width of its own, not kernel_size: np.unravel_index(k, window.shape)",
            ),
        ],
    )
    y, _ = student.max_pool2d(maps([1, 2, 9, 4]), (1, 3), stride=1, padding=((0, 0), (1, 1)))
    expect(
        "y, the maxima of [. 1 2], [1 2 9], [2 9 4], [9 4 .],",
        y,
        maps([2, 9, 9, 9]),
        [([9, 9, 9, 9], "a window that begins before the map is moved into it: it is cut off there, and smaller")],
    )


@pytest.mark.task("1.3")
def test_the_output_size_is_rounded_down(student):
    y, _ = student.max_pool2d(maps([1, 2, 3, 4, 9]), (1, 2), stride=2)
    expect(
        "y, the maxima of [1 2] and [3 4],",
        y,
        maps([2, 4]),
        [(maps([2, 4, 9]), "the size is rounded up (ceil_mode): a rest of the map has no window, so round down")],
    )


@pytest.mark.task("1.3")
def test_a_window_with_nan_gives_nan(student):
    y, _ = student.max_pool2d(maps([[1, np.nan, 3, 2], [5, 0, 4, 1]]), 2)
    expect(
        "y of a window with a NaN and of one without",
        y,
        maps([np.nan, 4]),
        [([5, 4], "a NaN is lost: it is neither larger nor smaller than any number, so test for it (value != value)")],
    )


@pytest.mark.task("1.3")
def test_windows_may_overlap(student):
    y, indices = student.max_pool2d(maps([1, 5, 2, 3]), (1, 2), stride=1)
    expect(
        "y, the maxima of [1 5], [5 2], [2 3],",
        y,
        maps([5, 5, 3]),
        [([5, 3, 0], "the stride is ignored: it is the kernel size only if none is given")],
    )
    expect("their indices", indices.ravel(), [1, 1, 3])


@pytest.mark.task("1.3")
def test_max_pool2d_agrees_with_the_reference(student):
    student.check("max_pool2d")


# ---- 1.4: the gradient of max pooling -------------------------------------------------------------------------------


@pytest.mark.task("1.4")
def test_the_gradient_goes_to_the_maximum(student):
    dx = student.max_pool2d_backward(maps([[1, 2], [3, 4]]), INDICES, (4, 4))
    expect(
        "dx",
        dx,
        maps([[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]),
        [
            (
                np.kron([[1, 2], [3, 4]], [[1, 0], [0, 0]]),
                "the gradient goes to the corner of each block: it should go to the maximum",
            ),
            (
                np.kron([[1, 2], [3, 4]], [[1, 1], [1, 1]]),
                "every pixel of the block gets the gradient: only the maximum was used for y",
            ),
        ],
    )


@pytest.mark.task("1.4")
def test_a_pixel_that_was_the_maximum_twice_gets_both_gradients(student):
    dx = student.max_pool2d_backward(maps([10, 1, 7]), np.array([1, 1, 3]).reshape(1, 1, 1, 3), (1, 4))
    expect(
        "dx, with 10 + 1 at index 1,",
        dx,
        maps([0, 11, 0, 7]),
        [
            ([0, 1, 0, 7], "the last gradient overwrites the first: they add up"),
            ([0, 10, 0, 7], "the last gradient is lost: they add up"),
            ([0, 5.5, 0, 7], "it is the mean of the gradients, not their sum"),
        ],
    )


@pytest.mark.task("1.4")
def test_an_index_counts_row_by_row_in_x(student):
    dx = student.max_pool2d_backward(maps([9]), np.full((1, 1, 1, 1), 3), (2, 3))
    expect(
        "9 at index 3 of a 2 x 3 map, in row 1 and column 0,",
        dx,
        maps([[0, 0, 0], [9, 0, 0]]),
        [([[0, 0, 0], [0, 9, 0]], "the index is divided by the height: a row has W elements")],
    )


@pytest.mark.task("1.4")
def test_each_plane_has_its_own_indices(student):
    dx = student.max_pool2d_backward(
        np.array([5.0, 7]).reshape(1, 2, 1, 1), np.array([1, 2]).reshape(1, 2, 1, 1), (1, 3)
    )
    expect(
        "dx of two channels, with 5 at index 1 of the first and 7 at index 2 of the second,",
        dx[0, :, 0],
        [[0, 5, 0], [0, 0, 7]],
        [([[0, 5, 7], [0, 0, 0]], "all is in the first plane: an index counts in its own plane, not in a flat array")],
    )


@pytest.mark.task("1.4")
def test_max_pool2d_backward_agrees_with_finite_differences(student):
    student.check("max_pool2d_backward")


# ---- 1.5: max unpooling ---------------------------------------------------------------------------------------------


@pytest.mark.task("1.5")
def test_unpooling_as_on_the_slide(student):
    y = student.max_unpool2d(maps([[1, 2], [3, 4]]), INDICES, (4, 4))
    expect(
        "y",
        y,
        maps([[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]),
        [
            (
                np.kron([[1, 2], [3, 4]], [[1, 0], [0, 0]]),
                "this is a bed of nails: each number goes to the position of its index",
            )
        ],
    )


@pytest.mark.task("1.5")
def test_an_index_counts_row_by_row_in_the_output(student):
    y = student.max_unpool2d(maps([9]), np.full((1, 1, 1, 1), 3), (2, 3))
    expect(
        "9 at index 3 of a 2 x 3 map, in row 1 and column 0,",
        y,
        maps([[0, 0, 0], [9, 0, 0]]),
        [([[0, 0, 0], [0, 9, 0]], "the index is divided by the height: a row has W elements")],
    )


@pytest.mark.task("1.5")
def test_two_numbers_at_one_index_add_up(student):
    y = student.max_unpool2d(maps([10, 1]), np.array([2, 2]).reshape(1, 1, 1, 2), (1, 4))
    expect(
        "y, with 10 + 1 at index 2,",
        y,
        maps([0, 0, 11, 0]),
        [([0, 0, 1, 0], "the last number overwrites the first: they add up")],
    )


@pytest.mark.task("1.5")
def test_the_gradient_is_read_at_the_same_index(student):
    dx = student.max_unpool2d_backward(maps(np.arange(16).reshape(4, 4)), INDICES)
    expect(
        "dx, dy at the indices,",
        dx,
        maps([[5, 2], [12, 15]]),
        [([[0, 2], [8, 10]], "it is read from the corner of each block: read it at the index")],
    )
    dx = student.max_unpool2d_backward(maps([[10, 11, 12], [13, 14, 15]]), np.full((1, 1, 1, 1), 3))
    expect(
        "dx, dy at index 3 of a 2 x 3 map, in row 1 and column 0,",
        dx,
        maps([13]),
        [([14], "the index is divided by the height: a row has W elements")],
    )


@pytest.mark.task("1.5")
def test_each_plane_is_read_and_written_with_its_own_indices(student):
    flat = "an index counts in its own plane, not in the flat array of all planes: here only the first plane is used"
    indices = np.array([1, 2]).reshape(1, 2, 1, 1)
    y = student.max_unpool2d(np.array([5.0, 7]).reshape(1, 2, 1, 1), indices, (1, 3))
    expect(
        "y of two channels, with 5 at index 1 of the first and 7 at index 2 of the second,",
        y[0, :, 0],
        [[0, 5, 0], [0, 0, 7]],
        [([[0, 5, 7], [0, 0, 0]], flat)],
    )
    dx = student.max_unpool2d_backward(np.arange(6.0).reshape(1, 2, 1, 3), indices)
    expect("dx, dy at index 1 of the first plane and at index 2 of the second,", dx.ravel(), [1, 5], [([1, 2], flat)])


@pytest.mark.task("1.5")
def test_max_unpool2d_agrees_with_the_reference(student):
    student.check("max_unpool2d")


@pytest.mark.task("1.5")
def test_max_unpool2d_backward_agrees_with_finite_differences(student):
    student.check("max_unpool2d_backward")
