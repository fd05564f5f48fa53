"""Nearest neighbour and bed of nails, as on the slides."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps

# ---- 1.6: nearest neighbour -----------------------------------------------------------------------------------------


@pytest.mark.task("1.6")
def test_each_number_fills_its_block(student):
    y = student.upsample_nearest(maps([[1, 2], [3, 4]]))
    expect(
        "y",
        y,
        maps([[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]),
        [
            (
                np.tile([[1, 2], [3, 4]], (2, 2)),
                "the map is laid out again and again: np.tile where np.repeat is meant",
            ),
            (np.kron([[1, 2], [3, 4]], [[1, 0], [0, 0]]), "that is a bed of nails: each number should fill its block"),
        ],
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
        [
            ([[2.5, 4.5], [10.5, 12.5]], "the mean over each block is taken and not its sum"),
            ([[0, 2], [8, 10]], "only the upper left gradient of each block arrives: all four add up"),
            ([[5, 7], [13, 15]], "only the last gradient of each block arrives: all four add up"),
        ],
    )


@pytest.mark.task("1.6")
def test_upsample_nearest_agrees_with_the_textbook(student):
    student.check("upsample_nearest")


@pytest.mark.task("1.6")
def test_upsample_nearest_backward_agrees_with_differences(student):
    student.check("upsample_nearest_backward")


# ---- 1.7: bed of nails ----------------------------------------------------------------------------------------------


@pytest.mark.task("1.7")
def test_each_number_stands_in_the_corner_of_its_block(student):
    y = student.bed_of_nails(maps([[1, 2], [3, 4]]))
    expect(
        "y",
        y,
        maps([[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]),
        [
            (
                np.kron([[1, 2], [3, 4]], [[0, 0], [0, 1]]),
                "the nail is in the lower right corner: it belongs in the upper left",
            ),
            (
                np.kron([[1, 2], [3, 4]], [[1, 1], [1, 1]]),
                "that is nearest neighbour: only the upper left corner of a block is not zero",
            ),
        ],
    )


@pytest.mark.task("1.7")
def test_only_the_gradient_at_the_nail_arrives(student):
    dx = student.bed_of_nails_backward(maps(np.arange(16).reshape(4, 4)))
    expect(
        "dx: dy at the upper left of each block",
        dx,
        maps([[0, 2], [8, 10]]),
        [
            ([[10, 18], [42, 50]], "the whole block is added up: but its zeros were not made from x"),
            ([[5, 7], [13, 15]], "it is taken from the lower right corner: the nail is in the upper left"),
        ],
    )


@pytest.mark.task("1.7")
def test_bed_of_nails_agrees_with_the_textbook(student):
    student.check("bed_of_nails")


@pytest.mark.task("1.7")
def test_bed_of_nails_backward_agrees_with_differences(student):
    student.check("bed_of_nails_backward")
