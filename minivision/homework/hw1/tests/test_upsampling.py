"""Bed of nails and nearest-neighbor upsampling, as on the slides."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps

# ---- 1.1: bed of nails ----------------------------------------------------------------------------------------------


@pytest.mark.task("1.1")
def test_each_number_is_in_the_corner_of_its_block(student):
    only_corner = "only its upper left corner is not zero"
    y = student.bed_of_nails(maps([[1, 2], [3, 4]]))
    expect(
        "y",
        y,
        maps([[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]),
        [
            (
                np.kron([[1, 2], [3, 4]], [[0, 0], [0, 1]]),
                "the number is in the lower right corner of its block (or in its middle): it belongs in the upper left "
                "corner",
            ),
            (
                np.kron([[1, 2], [3, 4]], [[1, 1], [1, 1]]),
                "this is nearest-neighbor upsampling: only the upper left corner of a block is not zero",
            ),
            (np.kron([[1, 2], [3, 4]], [[1, 1], [0, 0]]), f"the first row of each block is filled: {only_corner}"),
            (np.kron([[1, 2], [3, 4]], [[1, 0], [1, 0]]), f"the first column of each block is filled: {only_corner}"),
            (
                maps([[1, 0, 2], [0, 0, 0], [3, 0, 4]]),
                "there are zeros between the numbers only: each number has a whole block, the last one too",
            ),
        ],
    )


@pytest.mark.task("1.1")
def test_a_larger_block_has_its_number_in_the_corner_too(student):
    y = student.bed_of_nails(maps([5]), 3)
    expect(
        "a block of 3 x 3",
        y,
        maps([[5, 0, 0], [0, 0, 0], [0, 0, 0]]),
        [
            ([[0, 0, 0], [0, 5, 0], [0, 0, 0]], "the number is in the middle of its block: it belongs in the corner"),
            (
                [[0, 0, 0], [0, 0, 0], [0, 0, 5]],
                "the number is in the lower right corner: it belongs in the upper left",
            ),
        ],
    )


@pytest.mark.task("1.1")
def test_only_the_gradient_in_the_corner_is_used(student):
    dx = student.bed_of_nails_backward(maps(np.arange(16).reshape(4, 4)))
    expect(
        "dx, dy in the upper left corner of each block,",
        dx,
        maps([[0, 2], [8, 10]]),
        [
            ([[10, 18], [42, 50]], "the whole block is summed, but its zeros do not depend on x"),
            ([[5, 7], [13, 15]], "it is read from the lower right corner: the number is in the upper left corner"),
        ],
    )


@pytest.mark.task("1.1")
def test_bed_of_nails_agrees_with_the_reference(student):
    student.check("bed_of_nails")


@pytest.mark.task("1.1")
def test_bed_of_nails_backward_agrees_with_finite_differences(student):
    student.check("bed_of_nails_backward")


# ---- 1.2: nearest-neighbor upsampling -------------------------------------------------------------------------------


@pytest.mark.task("1.2")
def test_each_number_fills_its_block(student):
    y = student.upsample_nearest(maps([[1, 2], [3, 4]]))
    expect(
        "y",
        y,
        maps([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]),
        [
            (
                np.tile([[1, 2], [3, 4]], (2, 2)),
                "the whole map is repeated: use np.repeat, not np.tile",
            ),
            (np.kron([[1, 2], [3, 4]], [[1, 0], [0, 0]]), "this is a bed of nails: each number should fill its block"),
        ],
    )


@pytest.mark.task("1.2")
def test_a_scale_for_height_and_one_for_width(student):
    expect(
        "y for a scale of (1, 3)",
        student.upsample_nearest(maps([1, 2]), (1, 3)),
        maps([1, 1, 1, 2, 2, 2]),
        [
            (maps([1, 2]), "the factor of the height, scale[0], is used for the width too"),
            (maps(3 * [[1, 1, 1, 2, 2, 2]]), "the factor of the width, scale[1], is used for the height too"),
            (maps(3 * [[1, 2]]), "the two factors are swapped: scale is (height, width)"),
        ],
    )


@pytest.mark.task("1.2")
def test_a_number_that_was_copied_four_times_gets_the_sum_of_four_gradients(student):
    # No block is in order, so that its first, last, largest and smallest number are four different ones.
    dy = [[0, 1, 7, 3], [5, 4, 6, 2], [13, 8, 10, 11], [9, 12, 15, 14]]
    dx = student.upsample_nearest_backward(maps(dy))
    expect(
        "dx, 0 + 1 + 5 + 4 and so on,",
        dx,
        maps([[10, 18], [42, 50]]),
        [
            ([[2.5, 4.5], [10.5, 12.5]], "it is the mean over each block, not the sum"),
            ([[0, 7], [13, 10]], "only the upper left gradient of each block is used: all four add up"),
            ([[4, 2], [12, 14]], "only the last gradient of each block is used: all four add up"),
            ([[5, 7], [13, 15]], "only the largest gradient of each block is used: all four add up"),
            ([[0, 2], [8, 10]], "only the smallest gradient of each block is used: all four add up"),
            (
                [[30, 23], [35, 32]],
                "these are no blocks of neighbors: in a reshape the size comes before the scale, (N, C, H, sh, W, sw)",
            ),
            ([[0, 28], [52, 40]], "the corner of each block is multiplied: all four gradients add up"),
        ],
    )


@pytest.mark.task("1.2")
def test_upsample_nearest_agrees_with_the_reference(student):
    student.check("upsample_nearest")


@pytest.mark.task("1.2")
def test_upsample_nearest_backward_agrees_with_finite_differences(student):
    student.check("upsample_nearest_backward")
