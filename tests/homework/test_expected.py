"""What a visible test says of a wrong result: what it should be, what it is, which mistake gives these numbers."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps

RIGHT = maps([[1, 2], [3, 4]])


def said(got, right, mistakes=(), **options):
    with pytest.raises(AssertionError) as caught:
        expect("y", got, right, mistakes, **options)
    return str(caught.value)


def test_right_results_pass_also_as_lists_and_within_the_tolerance():
    expect("y", RIGHT + 1e-9, RIGHT.tolist())
    expect("y", [0.4], [0.5], atol=0.2)
    assert "should be 0.5 and is 0.4" in said([0.4], [0.5])


def test_the_first_mistake_that_gives_these_numbers_is_named_without_axes_of_length_1_if_one_likes():
    mistakes = [([[0, 0], [0, 0]], "nothing is there"), ([[1, 3], [2, 4]], "turned"), ([[1, 3], [2, 4]], "again")]
    text = said(maps([[1, 3], [2, 4]]), RIGHT, mistakes)
    assert text == "y should be\n[[1. 2.]\n [3. 4.]]\nand is\n[[1. 3.]\n [2. 4.]]\n  → turned."
    assert "→" not in said(maps([[1, 3], [2, 5]]), RIGHT, mistakes)
    assert said([0.0], [1.0], [([0.0], "an integer division?")]).endswith("→ an integer division?")


def test_a_mistake_may_have_a_shape_of_its_own_or_no_numbers_at_all():
    assert said([1, 2], RIGHT, [([1, 2], "one row is missing")]).endswith("→ one row is missing.")
    assert said([[1, 3], [2, 4]], RIGHT, [([[1, 3], [2, 4]], "axes are missing")]).endswith("→ axes are missing.")
    assert said([np.nan], [0.0], [([np.nan], "0 / 0")]).endswith("→ 0 / 0.")
    assert said(np.ones((2, 2)), RIGHT).endswith("→ Its shape is (2, 2), and should be (1, 1, 2, 2).")


def test_a_wrong_shape_with_the_same_numbers_is_no_mistake_in_numbers():
    """Numbers are laid out as the right ones only where the result is."""
    assert "turned" not in said([[1, 3], [2, 4]], RIGHT, [(maps([[1, 3], [2, 4]]), "turned")])
    assert "turned" not in said(np.arange(6).reshape(2, 3), np.zeros((2, 3)), [(np.arange(6).reshape(3, 2), "turned")])
