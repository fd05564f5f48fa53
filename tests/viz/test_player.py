"""The player: one picture for each step, in a page that needs nothing from elsewhere."""

import re

import numpy as np
import pytest

from minivision import ops
from minivision.tracing import symbols
from minivision.viz import draw_arrays, trace


def shown(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.fixture
def convolution(rng):
    return trace(ops.conv2d, np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)))


def test_a_player_has_a_picture_for_each_step_and_needs_no_network(convolution):
    page = convolution.player()
    assert len(re.findall(r"frames\[\d+\] = ", page)) == len(convolution.steps) == 4
    assert "http" not in page.replace("http://www.w3.org", "") and "fa-" not in page and "▶" in page
    assert convolution._repr_html_().count("<img") == 1


def test_by_output_and_by_input_there_is_a_picture_for_each_element(convolution):
    assert len(re.findall(r"frames\[\d+\] = ", convolution.player(by="output", dpi=30))) == 4
    assert len(re.findall(r"frames\[\d+\] = ", convolution.player(by="input", dpi=30))) == 9 + 4
    with pytest.raises(ValueError, match="'step', 'output' or 'input'"):
        convolution.player(by="magic")


def test_a_picture_shows_the_numbers_the_line_and_the_sum(convolution):
    texts = shown(convolution.draw(1))
    assert "conv2d   step 2 of 4" in texts and "x  1×1×3×3" in texts
    assert any(text.startswith("y[n, f, i, j] = (window * w[f]).sum()") and "j = 1" in text for text in texts)
    assert (
        "y[0,1] = x[0,1]·w[0,0] + x[0,2]·w[0,1] + x[1,1]·w[1,0] + x[1,2]·w[1,1] = 1·1 + 2·1 + 4·1 + 5·1 = 12" in texts
    )
    assert texts.count("12") == 1 and texts.count("16") == 0  # the later sums are not there yet


def test_what_is_read_and_written_is_marked_in_the_picture(convolution):
    from matplotlib.colors import to_hex

    squares = convolution.draw(0).axes[0].collections[0]
    fills = [to_hex(color) for color in squares.get_facecolor()]
    read, written = "#cfe4f7", "#b3430f"
    assert [k for k, fill in enumerate(fills) if fill == read] == [0, 1, 3, 4, 9, 10, 11, 12]
    assert [k for k, fill in enumerate(fills) if fill == written] == [13]


def test_dependences_are_drawn(convolution):
    assert "conv2d   y[1,1] depends on 8 numbers" in shown(convolution.draw_inputs_of((0, 0, 1, 1)))
    assert "conv2d   x[1,1] reaches 4 numbers" in shown(convolution.draw_outputs_of((0, 0, 1, 1), "x"))


def test_symbols_are_written_into_the_cells():
    player = trace(ops.conv_transpose2d, symbols("a b", (1, 1, 1, 2)), symbols("x y z", (1, 1, 1, 3)), stride=2)
    assert {"ax", "ay", "az + bx", "by", "bz"} <= set(shown(player.draw()))


def test_arrays_too_large_for_numbers_are_drawn_in_gray(rng):
    figure = trace(ops.upsample_nearest, rng.normal(size=(1, 1, 12, 12))).draw(40)
    assert not any(re.fullmatch(r"−?\d+(\.\d+)?", text) for text in shown(figure))
    assert len({tuple(color) for color in figure.axes[0].collections[0].get_facecolor()}) > 20


def test_a_long_run_is_cut_and_ends_with_the_last_step(rng):
    player = trace(ops.upsample_nearest, rng.normal(size=(1, 1, 5, 5)))
    frames = player._frames("step")
    assert len(frames) == 60 and frames[-1].head.endswith("step 100 of 100")


def test_a_player_is_written_as_a_page(convolution, tmp_path):
    convolution.save(tmp_path / "conv2d.html")
    page = (tmp_path / "conv2d.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and '<meta name="viewport"' in page  # else a phone shrinks it
    assert [path.name for path in tmp_path.iterdir()] == ["conv2d.html"]


def test_arrays_are_drawn_side_by_side_and_marked():
    from matplotlib.colors import to_hex

    figure = draw_arrays({"a": np.eye(2), "b": np.array([7])}, title="two", marked={"a": np.eye(2, dtype=bool)})
    assert {"a  2×2", "b  1", "7", "two"} <= set(shown(figure))
    fills = [to_hex(color) for color in figure.axes[0].collections[0].get_facecolor()]
    assert [k for k, fill in enumerate(fills) if fill == "#cfe4f7"] == [0, 3]
    with pytest.raises(ValueError, match="belongs to none"):
        draw_arrays({"a": np.eye(2)}, marked={"a": np.ones(3, bool)})
