"""Max pooling and unpooling, as on the slides."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps

# ---- 1.3: max pooling -----------------------------------------------------------------------------------------------


# The lecture's example: a map of 4 x 4, and where the largest number of each block stands.
BEFORE = [[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]
POOLED = [[5, 6], [7, 8]]
SWITCHES = np.array([[5, 2], [12, 15]])[None, None]


@pytest.mark.task("1.3")
def test_pooling_as_on_the_slide(student):
    y, indices = student.max_pool2d(maps(BEFORE), 2)
    expect("the largest number of each block", y, maps(POOLED), [([[2.75, 3], [3.25, 3.75]], "the mean is taken")])
    expect(
        "where it stood, row * 4 + column,",
        indices,
        SWITCHES,
        [
            ([[3, 0], [2, 3]], "the indices count within each window and not in the whole plane"),
            ([[5, 8], [3, 15]], "an index is row W plus column: not column H plus row"),
        ],
    )


@pytest.mark.task("1.3")
def test_of_equal_numbers_the_first_wins(student):
    _, indices = student.max_pool2d(np.ones((1, 1, 2, 4)), 2)
    expect(
        "where the maximum of [1 1; 1 1] stands: at the first of them",
        indices.ravel(),
        [0, 2],
        [([5, 7], "the last of equal numbers wins")],
    )


@pytest.mark.task("1.3")
def test_the_padding_is_never_the_maximum(student):
    y, indices = student.max_pool2d(maps([[-1, -2], [-3, -4]]), 3, stride=2, padding=1)
    expect(
        "the largest of four negative numbers",
        y,
        maps([[-1]]),
        [([0], "the zeros of the padding take part: they should be minus infinity")],
    )
    expect(
        "its index",
        indices,
        [[[[0]]]],
        [([5], "the index counts in the padded map: it should count in x without its padding")],
    )


@pytest.mark.task("1.3")
def test_windows_may_overlap(student):
    y, indices = student.max_pool2d(maps([1, 5, 2, 3]), (1, 2), stride=1)
    expect(
        "the maxima of [1 5], [5 2], [2 3]",
        y,
        maps([5, 5, 3]),
        [([5, 3, 0], "the stride is the kernel size only where none is given")],
    )
    expect("where they stood", indices.ravel(), [1, 1, 3])


@pytest.mark.task("1.3")
def test_max_pool2d_agrees_with_the_textbook(student):
    student.check("max_pool2d")


# ---- 1.4: the gradient of max pooling -------------------------------------------------------------------------------


@pytest.mark.task("1.4")
def test_the_gradient_goes_to_where_the_maximum_stood(student):
    dx = student.max_pool2d_backward(maps([[1, 2], [3, 4]]), SWITCHES, (4, 4))
    expect(
        "dx",
        dx,
        maps([[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]),
        [
            (
                np.kron([[1, 2], [3, 4]], [[1, 0], [0, 0]]),
                "it goes to the corner of each block and not to where the maximum stood",
            ),
            (
                np.kron([[1, 2], [3, 4]], [[1, 1], [1, 1]]),
                "every pixel of the block gets the gradient: only the maximum had a part in y",
            ),
        ],
    )


@pytest.mark.task("1.4")
def test_a_pixel_that_was_the_maximum_twice_gets_both_gradients(student):
    dx = student.max_pool2d_backward(maps([10, 1, 7]), np.array([1, 1, 3]).reshape(1, 1, 1, 3), (1, 4))
    expect(
        "dx: 10 + 1 at the place of index 1",
        dx,
        maps([0, 11, 0, 7]),
        [
            ([0, 1, 0, 7], "the last gradient overwrites the first: they add up"),
            ([0, 10, 0, 7], "the first gradient is kept and the last one lost: they add up"),
        ],
    )


@pytest.mark.task("1.4")
def test_an_index_counts_along_the_rows_of_x(student):
    dx = student.max_pool2d_backward(maps([9]), np.full((1, 1, 1, 1), 3), (2, 3))
    expect(
        "9 at index 3 of a map of 2 x 3, in row 1 and column 0,",
        dx,
        maps([[0, 0, 0], [9, 0, 0]]),
        [([[0, 0, 0], [0, 9, 0]], "the index is divided by the height: a row has W elements")],
    )


@pytest.mark.task("1.4")
def test_max_pool2d_backward_agrees_with_differences(student):
    student.check("max_pool2d_backward")


# ---- 1.5: max unpooling ---------------------------------------------------------------------------------------------


@pytest.mark.task("1.5")
def test_unpooling_as_on_the_slide(student):
    y = student.max_unpool2d(maps([[1, 2], [3, 4]]), SWITCHES, (4, 4))
    expect(
        "y",
        y,
        maps([[0, 0, 2, 0], [0, 1, 0, 0], [0, 0, 0, 0], [3, 0, 0, 4]]),
        [
            (
                np.kron([[1, 2], [3, 4]], [[1, 0], [0, 0]]),
                "that is a bed of nails: each number goes to where its index says",
            )
        ],
    )


@pytest.mark.task("1.5")
def test_an_index_counts_along_rows_of_the_output(student):
    y = student.max_unpool2d(maps([9]), np.full((1, 1, 1, 1), 3), (2, 3))
    expect(
        "9 at index 3 of a map of 2 x 3, in row 1 and column 0,",
        y,
        maps([[0, 0, 0], [9, 0, 0]]),
        [([[0, 0, 0], [0, 9, 0]], "the index is divided by the height: a row has W elements")],
    )


@pytest.mark.task("1.5")
def test_two_numbers_at_one_place_add_up(student):
    y = student.max_unpool2d(maps([10, 1]), np.array([2, 2]).reshape(1, 1, 1, 2), (1, 4))
    expect(
        "y: 10 + 1 at index 2",
        y,
        maps([0, 0, 11, 0]),
        [([0, 0, 1, 0], "the last number overwrites the first: they add up")],
    )


@pytest.mark.task("1.5")
def test_going_back_fetches_the_gradient_from_the_same_place(student):
    dx = student.max_unpool2d_backward(maps(np.arange(16).reshape(4, 4)), SWITCHES)
    expect(
        "dx: dy at the indices",
        dx,
        maps([[5, 2], [12, 15]]),
        [([[0, 2], [8, 10]], "it is fetched from the corner of each block and not from where its index says")],
    )
    dx = student.max_unpool2d_backward(maps([[10, 11, 12], [13, 14, 15]]), np.full((1, 1, 1, 1), 3))
    expect(
        "dx: dy at index 3 of a map of 2 x 3, in row 1 and column 0,",
        dx,
        maps([13]),
        [([14], "the index is divided by the height: a row has W elements")],
    )


@pytest.mark.task("1.5")
def test_max_unpool2d_agrees_with_the_textbook(student):
    student.check("max_unpool2d")


@pytest.mark.task("1.5")
def test_max_unpool2d_backward_agrees_with_differences(student):
    student.check("max_unpool2d_backward")
