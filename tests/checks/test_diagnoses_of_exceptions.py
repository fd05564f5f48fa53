"""Diagnoses of exceptions: windows that have not the size of their filter; other exceptions have none."""

import numpy as np
import pytest

from minivision.checks.diagnoses import exception_diagnosis
from minivision.core.registry import operations

FILTER = (3, 2)


def told(*shapes, name="conv2d"):
    """Return the diagnosis of two arrays that are multiplied in a function with filters of 4 channels and 3 x 2."""
    with pytest.raises(ValueError, match="broadcast") as raised:
        np.multiply(*map(np.zeros, shapes))
    return exception_diagnosis(raised.value, operations()[name], {"w": np.zeros((5, 4, *FILTER))})


@pytest.mark.parametrize("window", [(2, 2), (0, 2), (3, 0), (2, 0)])
def test_a_window_that_is_cut_off(window):
    sentence = told((4, *window), (4, *FILTER))
    assert f"A window of {window[0]} x {window[1]} meets a filter of 3 x 2" in sentence and "cut off" in sentence
    assert sentence == told((4, *FILTER), (4, *window))


def test_where_a_window_comes_from_depends_on_the_operation():
    assert "for dw as for dx" in told((4, 2, 2), (4, *FILTER), name="conv2d_backward")
    assert "large enough for all copies" in told((4, 2, 2), (4, *FILTER), name="conv_transpose2d")


def test_a_window_with_height_and_width_swapped():
    assert "height and width are swapped" in told((4, 2, 3), (4, *FILTER))


@pytest.mark.parametrize(
    "shapes",
    [
        ((4, 4, 2), (4, *FILTER)),  # a window that is too large was not cut off
        ((4, 2, 5), (4, *FILTER)),
        ((2, *FILTER), (4, *FILTER)),  # the channels do not fit
        ((4, 2, 2), (4, 5, 5)),  # no filter takes part
        ((7,), (3,)),
    ],
)
def test_other_shapes_have_no_diagnosis(shapes):
    assert told(*shapes) is None
