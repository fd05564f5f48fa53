"""Two runs beside one another: where they part, and what a page about a wrong function shows."""

import json

import numpy as np
import pytest

from minivision import ops
from minivision.checks import Example
from minivision.viz import Comparison, FailureError, compare_runs, show_failure, trace


def scaled(wrong_from):
    def relu(x):
        y = np.zeros(x.shape)
        for i in range(len(x)):
            y[i] = x[i] * 2 if i >= wrong_from else x[i] if x[i] > 0 else 0
        return y

    return relu


X = np.array([1.0, 2.0, 3.0, 4.0])


def test_runs_part_at_the_first_wrong_number():
    comparison = compare_runs(scaled(2), ops.relu, X)
    assert (comparison.parting.step, comparison.parting.title) == (2, "y[2]")
    assert comparison.note == "The first number that is not right is y[2], in step 3: it is 6, and should be 3."
    data = comparison.data
    assert data["start"] == 2 and [run["label"] for run in data["runs"]] == ["yours", "right"]
    assert data["runs"][0]["panels"][1]["expected"] == [1, 2, 3, 4]


def test_right_runs_do_not_part():
    comparison = compare_runs(scaled(9), ops.relu, X)
    assert comparison.parting is None and comparison.note == "All values are right." and "start" not in comparison.data


def test_a_sum_parts_in_the_step_in_which_it_goes_wrong():
    def conv_transpose2d(x, w, b=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
        y = np.zeros((1, 1, 1, 5))
        for j in range(2):
            y[0, 0, 0, 2 * j : 2 * j + 3] += x[0, 0, 0, j] * w[0, 0, 0] * np.array([1, 1, 2 - j])  # 10 for 5
        return y

    comparison = compare_runs(
        conv_transpose2d, ops.conv_transpose2d, np.array([[[[1.0, 2]]]]), np.array([[[[3.0, 4, 5]]]]), stride=(1, 2)
    )
    assert (comparison.parting.step, comparison.parting.title) == (0, "y[2]")
    assert (comparison.parting.value, comparison.parting.right) == (10, 5)  # although the next step writes there too


def test_steps_in_another_order_are_compared_by_their_values():
    def backwards(x):
        y = np.zeros(x.shape)
        for i in range(len(x) - 1, -1, -1):
            y[i] = x[i] * (3 if i == 2 else 1)
        return y

    def forwards(x):
        y = np.zeros(x.shape)
        for i in range(len(x)):
            y[i] = x[i] * 1.0
        return y

    assert compare_runs(backwards, forwards, X).parting.step == 1


def test_another_shape_is_said():
    def relu(x):
        return x[:2] * 2

    assert compare_runs(relu, ops.relu, X).note == "y has the shape (2,), and should have (4,)."


def test_a_page_for_students_has_the_right_values_and_not_the_right_code(tmp_path):
    op = ops.max_pool2d
    x = np.arange(16.0).reshape(1, 1, 4, 4)

    def max_pool2d(x, kernel_size, *, stride=None, padding=0):
        return x[:, :, ::2, ::2] * 1.0, np.zeros((1, 1, 2, 2), int)

    expected = dict(zip(op.returns, op(x, 2), strict=True))
    example = Example({"x": x, "kernel_size": 2}, expected, None)
    shown = show_failure(op, max_pool2d, example, name="hw1.py", with_right_run=False)
    assert [run["label"] for run in shown.data["runs"]] == ["hw1.py"]
    text = json.dumps(shown.data)
    assert "first_row" not in text and "::2, ::2" in text  # of the reference, of the student
    assert shown.data["runs"][0]["panels"][1]["expected"] == [5, 7, 13, 15]
    whole = show_failure(op, max_pool2d, example, name="mine.py", with_right_run=True)
    assert "first_row" in json.dumps(whole.data)


def test_an_error_is_named_with_its_line():
    def relu(x):
        return x[100] + 1

    example = Example({"x": X}, {"y": X}, None)
    shown = show_failure(ops.relu, relu, example, name="mine.py", with_right_run=True)
    line = relu.__code__.co_firstlineno + 1
    assert f"mine.py has no steps to show. IndexError in line {line} of test_comparison.py" in shown.data["note"]
    with pytest.raises(FailureError, match="IndexError"):
        show_failure(ops.relu, relu, example, name="mine.py", with_right_run=False)


def test_a_film_shows_one_run(tmp_path):
    comparison = compare_runs(scaled(2), ops.relu, X)
    with pytest.raises(ValueError, match="shows one run"):
        comparison.save(tmp_path / "film.gif")
    comparison.save(tmp_path / "page.html")
    Comparison(trace(ops.relu, X), {"y": X + [0, 1, 0, 0]}).save(tmp_path / "values.html")
    assert "not right is y[1]" in (tmp_path / "values.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("result", [None, [1.0, 2.0, 3.0, 4.0], "text", {"y": X}], ids=["None", "list", "str", "dict"])
def test_what_returns_no_array_is_not_right(result):
    def relu(x):
        y = x * 1  # noqa: F841  so that there is a step
        return result

    assert compare_runs(relu, ops.relu, X).note == "relu returns no array y, which should have the shape (4,)."


def test_a_result_too_few_is_named():
    def conv2d_backward(dy, x, w, *, stride=1, padding=0, dilation=1, groups=1):
        return x * 0 + w * dy  # dx alone, of three

    arrays = (np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1)), np.ones((1, 1, 1, 1)))
    note = compare_runs(conv2d_backward, ops.conv2d_backward, *arrays).note
    assert "no array dw, which should have the shape (1, 1, 1, 1)" in note and "no array db" in note


def test_a_huge_result_is_refused_at_once():
    def relu(x):
        return np.zeros((200, 200, 2))

    with pytest.raises(ValueError, match="relu returned 80,000 numbers, at most 65,536 can be shown"):
        trace(relu, X)
    stopped = show_failure(ops.relu, relu, Example({"x": X}, {"y": X}, None), name="mine.py", with_right_run=True)
    assert "80,000 numbers" in stopped.data["note"]
