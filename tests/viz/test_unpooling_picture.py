"""The picture of pooling and unpooling in pairs: colored are the places that each pooling took."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from minivision import viz
from minivision.viz.unpooling import COLORS


def colored(figure):
    """Return for each color of a pooling the numbers that stand in its cells, from left to right."""
    (axis,) = figure.axes
    texts = {text.get_position(): text.get_text() for text in axis.texts}
    found = {}
    for cell in axis.findobj(Rectangle):
        if cell.get_width() == 1:
            middle = (cell.get_x() + 0.5, cell.get_y() + 0.5)
            found.setdefault(to_hex(cell.get_facecolor()), []).append(float(texts[middle]))
    return [found[to_hex(color)] for color in COLORS]


def test_the_maxima_of_each_pooling_are_colored_on_both_sides():
    x = np.random.default_rng(0).permutation(64).reshape(8, 8) + 1
    once = x.reshape(4, 2, 4, 2).max(axis=(1, 3))
    twice = once.reshape(2, 2, 2, 2).max(axis=(1, 3))
    first, second = colored(viz.draw_unpooling(x))
    assert sorted(first[:16]) == sorted(once.ravel())
    assert sorted(value for value in first[16:] if value) == sorted(twice.ravel()) and len(first) == 32
    assert sorted(second) == sorted([*twice.ravel(), *twice.ravel()])


@pytest.mark.parametrize("shape", [(8,), (6, 8), (20, 8), (0, 8), (1, 8, 8)])
def test_what_cannot_be_pooled_twice_is_refused(shape):
    with pytest.raises(ValueError, match="sides that divide by 4"):
        viz.draw_unpooling(np.zeros(shape))
