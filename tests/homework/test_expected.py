"""Messages of visible tests: the expected result, the actual one, and the mistake that gives these numbers."""

import numpy as np
import pytest

from minivision.homework.expected import expect, maps

RIGHT = maps([[1, 2], [3, 4]])


def message(actual, expected, mistakes=(), **options):
    with pytest.raises(AssertionError) as caught:
        expect("y", actual, expected, mistakes, **options)
    return str(caught.value)


def test_right_results_pass_as_lists_and_within_the_tolerance():
    expect("y", RIGHT + 1e-9, RIGHT.tolist())
    expect("y", [0.4], [0.5], atol=0.2)
    assert "should be 0.5 and is 0.4" in message([0.4], [0.5])


def test_the_first_mistake_that_gives_these_numbers_is_named():
    mistakes = [([[0, 0], [0, 0]], "nothing is there"), ([[1, 3], [2, 4]], "turned"), ([[1, 3], [2, 4]], "again")]
    text = message(maps([[1, 3], [2, 4]]), RIGHT, mistakes)
    assert text == "y should be\n[[1. 2.]\n [3. 4.]]\nand is\n[[1. 3.]\n [2. 4.]]\n  → turned."
    assert "→" not in message(maps([[1, 3], [2, 5]]), RIGHT, mistakes)
    assert message([0.0], [1.0], [([0.0], "an integer division?")]).endswith("→ It may be this: an integer division?")


def test_few_numbers_prove_no_mistake():
    for numbers, doubt in (([5, 5, 0], True), ([5, 0, 0], True), ([5, 4, 0], False)):
        text = message(numbers, [0, 0, 5], [(numbers, "the first box is taken")])
        assert text.endswith("→ It may be this: the first box is taken." if doubt else "→ the first box is taken.")


def test_the_result_of_a_mistake_may_have_another_shape_or_be_nan():
    assert message([1, 2], RIGHT, [([1, 2], "one row is missing")]).endswith("this: one row is missing.")
    assert message([[1, 3], [2, 4]], RIGHT, [([[1, 3], [2, 4]], "axes are missing")]).endswith("→ axes are missing.")
    assert message([np.nan], [0.0], [([np.nan], "0 / 0")]).endswith("this: 0 / 0.")
    assert message(np.ones((2, 2)), RIGHT).endswith("→ Its shape is (2, 2), and should be (1, 1, 2, 2).")


def test_numbers_of_another_shape_are_not_compared():
    """The numbers of a mistake are reshaped only if the result has the right shape."""
    assert "turned" not in message([[1, 3], [2, 4]], RIGHT, [(maps([[1, 3], [2, 4]]), "turned")])
    assert "turned" not in message(
        np.arange(6).reshape(2, 3), np.zeros((2, 3)), [(np.arange(6).reshape(3, 2), "turned")]
    )
