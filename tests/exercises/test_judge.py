"""How answers are judged: numbers within a tolerance, words, functions on copies of their arguments."""

import numpy as np
import pytest

from minivision.exercises.judge import choice, function, numbers


def test_numbers_within_the_tolerance_are_right():
    assert numbers([1.004, 2], [1, 2]) is None
    assert numbers([1.006, 2], [1, 2]) == "1 of 2 are right"
    assert numbers(3, 3.0, atol=0) is None
    assert numbers((1, 2), np.array([1.0, 2])) is None  # a tuple is as good as a list


@pytest.mark.parametrize(("answer", "said"), [(5, "too large"), (1, "too small"), (-3, "something else comes out")])
def test_a_single_number_is_told_its_direction(answer, said):
    assert numbers(answer, 3.0) == said


def test_a_known_mistake_is_named_also_if_its_shape_is_wrong():
    mistakes = [([1, 2], "one is missing"), ([3, 2, 1], "turned round")]
    assert numbers([1, 2], [1, 2, 3], mistakes) == "one is missing"
    assert numbers([3, 2, 1], [1, 2, 3], mistakes) == "turned round"
    assert numbers([1], [1, 2, 3], mistakes) == "wanted: 3 numbers; got one number"


def test_the_first_mistake_that_fits_is_named_and_never_for_a_right_answer():
    assert numbers(2.0, 2.0, [(2.001, "never")]) is None
    assert numbers(4.0, 2.0, [(4.0, "first"), (4.0, "second")]) == "first"


@pytest.mark.parametrize("answer", ["two", None, {"a": 1}, [[1], [2, 3]], 1j, float("inf")])
def test_what_is_no_number_is_refused(answer):
    assert numbers(answer, 2.0) is not None


def test_words_may_have_capitals_and_spaces():
    why = {"detection": "it returns boxes"}
    assert choice("  Instance   Segmentation ", "instance segmentation", why) is None
    assert choice("DETECTION", "instance segmentation", why) == "it returns boxes"
    assert choice(3, "b", {"a": ""}) == choice("c", "b", {"a": ""}) == "one of 'a', 'b' is wanted"


def double(x):
    return 2 * x


EXAMPLES = [(np.array([1.0, 2]),), (np.array([3.0]),)]


def test_functions_get_copies_so_that_they_cannot_change_the_question():
    def writes(x):
        x *= 2
        return x

    assert function(writes, double, EXAMPLES) is None
    assert EXAMPLES[0][0].tolist() == [1, 2]


def test_a_wrong_function_is_told_where_it_is_wrong():
    assert (
        function(lambda x: 2 * x[:1], double, EXAMPLES)
        == "your function returns the shape (1,), and should return (2,)"
    )
    assert function(lambda x: x + 3, double, EXAMPLES) == "for example 1 of 2 its result is off by up to 2"
    assert function(lambda x: 2 * x + (len(x) == 1), double, EXAMPLES).startswith("for example 2 of 2")
    assert function(lambda x: x, double, EXAMPLES, [(lambda x: x, "twice")]) == "twice"
    assert function(lambda x: None, double, EXAMPLES) == "your function returns nothing yet"
    assert function(lambda: 1, double, EXAMPLES).startswith("your function raises TypeError")
    assert function(lambda x: "a", double, EXAMPLES) == "your function should return numbers, and returns str"
    assert function(7, double, EXAMPLES) == "a function is wanted, got int"
