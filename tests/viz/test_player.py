"""The data of players against the tracer, what is saved, and the pictures of steps."""

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from minivision import ops
from minivision.tracing import Trace, symbols
from minivision.viz import draw_arrays, save_players, trace
from minivision.viz.player import films, page, widget
from minivision.viz.player.record import record_of


def shown(figure):
    return [text.get_text() for text in figure.axes[0].texts]


@pytest.fixture
def convolution():
    return trace(ops.conv2d, np.arange(9.0).reshape(1, 1, 3, 3), np.ones((1, 1, 2, 2)))


# ---- the data -----------------------------------------------------------------------------------------------------

CALCULATE = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power, "n": np.negative,
    "e": np.exp, "m": np.expm1, "l": np.log, "k": np.log1p, "s": np.sqrt, "t": np.tanh,
}  # fmt: skip


def values_of(run):
    """Return all values of a run, as docs/players.md says that they are computed."""
    numbers = run["numbers"]
    values = [float(value) for value in numbers["inputs"]]
    constants = [float(value) for value in numbers["constants"]]

    def value(reference):
        return np.float64(constants[-1 - reference] if reference < 0 else values[reference])

    with np.errstate(all="ignore"):
        for operation, left, right in zip(numbers["operations"], numbers["left"], numbers["right"], strict=True):
            values.append(CALCULATE[operation](*(value(one) for one in (left, right) if one is not None)))
    return lambda reference: None if reference is None else value(reference)


RUNS = {
    "conv2d": lambda rng: (ops.conv2d, [rng.normal(size=(1, 2, 4, 4)), rng.normal(size=(2, 2, 3, 3))], {"padding": 1}),
    "conv2d_backward": lambda rng: (
        ops.conv2d_backward,
        [rng.normal(size=shape) for shape in [(1, 1, 2, 2), (1, 1, 3, 3), (1, 1, 2, 2)]],
        {},
    ),
    "max_pool2d": lambda rng: (ops.max_pool2d, [rng.normal(size=(1, 1, 4, 4)), 2], {}),
    "roi_align": lambda rng: (
        ops.roi_align,
        [rng.normal(size=(1, 1, 5, 5)), np.array([[0, 0.5, 1.0, 4.5, 4.0]]), (2, 2)],
        {"sampling_ratio": 2},
    ),
    "softmax": lambda rng: (ops.softmax_cross_entropy, [rng.normal(size=(2, 3)), np.array([0, 2])], {}),
    "smooth_l1": lambda rng: (ops.smooth_l1_loss, [rng.normal(size=5), np.zeros(5)], {}),
    "encode_boxes": lambda rng: (ops.encode_boxes, [np.array([[0, 0, 4.0, 6]]), np.array([[1, 1, 4.0, 5]])], {}),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_data_give_the_cells_of_each_step(name, rng):
    op, arguments, keywords = RUNS[name](rng)
    run_trace = Trace(op, *arguments, **keywords)
    run = json.loads(page.as_json(record_of(run_trace)))
    value, cells = values_of(run), [list(panel["start"]) for panel in run["panels"]]
    assert len(run["steps"]) == len(run_trace.steps) > 0
    for step, about in zip(run_trace.steps, run["steps"], strict=True):
        for number, pairs in about["writes"].items():
            for cell, reference in zip(pairs[::2], pairs[1::2], strict=True):
                cells[int(number)][cell] = reference
        for panel, (expected, references) in enumerate(zip(step.cells, cells, strict=True)):
            got = [value(reference) for reference in references]
            wanted = [None if one is None else float(getattr(one, "value", one)) for one in expected]
            assert [one is None for one in got] == [one is None for one in wanted], panel
            both = [(a, b) for a, b in zip(got, wanted, strict=True) if a is not None]
            np.testing.assert_allclose(*np.array(both).reshape(-1, 2).T, rtol=1e-15, atol=0)
        reads = {int(number): cells_of(runs) for number, runs in about["reads"].items()}
        assert reads == step.reads


def cells_of(runs):
    return {first + k for first, count in zip(runs[::2], runs[1::2], strict=True) for k in range(count)}


def test_variables_are_those_of_each_step(rng):
    run_trace = Trace(ops.max_pool2d, rng.normal(size=(1, 1, 4, 4)), 2)
    variables = {}
    for step, about in zip(run_trace.steps, record_of(run_trace)["steps"], strict=True):
        variables |= about["set"]
        assert variables.keys() == step.counters.keys()
        assert all(variables[name] == pytest.approx(step.counters[name], rel=1e-5) for name in variables)
        assert variables["best"] == pytest.approx(max(variables["best"], variables["value"]))


def test_a_large_convolution_has_small_data(rng):
    run = record_of(Trace(ops.conv2d, rng.normal(size=(1, 1, 12, 12)), rng.normal(size=(1, 1, 3, 3))))
    assert len(run["steps"]) == 100 and len(page.as_json(run)) < 40_000


def test_each_sample_of_roi_align_is_a_step_in_its_place(rng):
    box = np.array([[0, 2.0, 1.0, 10.0, 9.0]])
    run = record_of(
        Trace(ops.roi_align, rng.normal(size=(1, 1, 6, 6)), box, (2, 2), spatial_scale=0.5, sampling_ratio=2)
    )
    assert run["regions"]["boxes"] == [{"image": 0, "box": [1.0, 0.5, 5.0, 4.5], "grid": [2, 2]}]
    places = [(step["sample"]["x"], step["sample"]["y"]) for step in run["steps"]]
    bin_ = [(x, y) for y in (0.5, 1.5) for x in (0.5, 1.5)]  # of the four samples of a cell of 2 by 2 pixels
    assert places == [(1 + 2 * j + x, 0.5 + 2 * i + y) for i in range(2) for j in range(2) for x, y in bin_]


def test_the_samples_of_the_backward_pass_spread_over_four_pixels():
    steps = Trace(
        ops.roi_align_backward, np.ones((1, 1, 1, 1)), np.array([[0, 1.0, 1, 3, 3]]), (1, 1, 5, 5), sampling_ratio=2
    )
    assert [len(next(iter(step.writes.values()))) for step in steps.steps] == [4] * 4


def test_lines_and_source_belong_together(convolution):
    run = convolution.data["runs"][0]
    source = dict(run["source"])
    assert all("y[n, f, i, j] = " in source[step["lines"][0]] for step in run["steps"])
    assert not any('"""' in text for text in source.values()) and "def conv2d(" in source[min(source)]
    backward = Trace(ops.conv2d_backward, np.ones((1, 1, 1, 1)), np.ones((1, 1, 2, 2)), np.ones((1, 1, 2, 2)))
    texts = dict(backward.source.lines)
    assert [texts[line].split("[")[0].strip() for line in backward.steps[0].lines] == ["dpadded", "dw", "db"]


def test_symbols_have_names_and_no_values():
    run = trace(ops.conv_transpose2d, symbols("a b", (1, 1, 1, 2)), symbols("x y z", (1, 1, 1, 3)), stride=2).data[
        "runs"
    ][0]
    assert run["numbers"]["names"] == ["a", "b", "x", "y", "z"] and run["numbers"]["inputs"] == [None] * 5


def test_numbers_that_are_not_finite_are_written():
    run = json.loads(page.as_json(record_of(Trace(ops.sigmoid, np.array([np.nan, np.inf, -np.inf])))))
    assert run["numbers"]["inputs"] == ["NaN", "Infinity", "-Infinity"]


def test_values_of_deep_sums_need_no_recursion():
    def many(x):
        y = 0 * x[:1]
        for _ in range(3000):
            y[0] = y[0] * 0.5 + x[0]
        return y

    run = record_of(Trace(many, np.ones(1)))
    assert len(run["numbers"]["operations"]) == 2 * 3000 - 2  # the first sum is x itself


# ---- pages, films, pictures -----------------------------------------------------------------------------------------


def test_a_page_is_one_file_that_needs_nothing(convolution, tmp_path):
    convolution.save(tmp_path / "conv2d.html")
    text = (tmp_path / "conv2d.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and '<meta name="viewport"' in text  # else a phone shrinks it
    assert [path.name for path in tmp_path.iterdir()] == ["conv2d.html"]
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "") and "src=" not in text and len(text) < 75_000


def test_names_cannot_leave_the_script(tmp_path):
    name = "</script><script>alert(1)</script><!--"
    player = trace(ops.relu, symbols(f"a {name}", values=[1.0, 2.0]))
    player.title = name + "\u2028"
    player.save(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<script>") == text.count("</script>") == 1 and "<!--" not in text
    data = re.search(r'getElementById\("player-0"\), (\{.*\}), \{"dark"', text)[1]
    assert json.loads(data)["title"] == name + "\u2028"


def test_several_players_share_a_page(convolution, tmp_path):
    save_players([convolution, trace(ops.relu, np.ones(2))], tmp_path / "two.html", title="Two", dark=True)
    text = (tmp_path / "two.html").read_text(encoding="utf-8")
    assert text.count("minivisionPlayer(document") == 2 and "<title>Two</title>" in text and 'data-theme="dark"' in text
    with pytest.raises(ValueError, match="at least one"):
        save_players([], tmp_path / "none.html")


def test_a_notebook_gets_a_frame(convolution):
    text = convolution._repr_html_()
    assert text.startswith('<iframe srcdoc="') and text.count("<") == 2
    assert "&quot;large&quot;:true" in convolution.show(large=True)._repr_html_()


def test_with_anywidget_it_can_be_a_widget(convolution):
    pytest.importorskip("anywidget")
    made = convolution.widget(dark=True)
    assert json.loads(made.data) == json.loads(json.dumps(convolution.data)) and made.options["dark"] is True
    assert "export default" in made._esm and ".mv-player" in made._css


def test_without_anywidget_a_widget_is_refused_with_a_word(convolution, monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    widget._widget_class.cache_clear()
    with pytest.raises(ImportError, match=r"minivision\[notebooks\]"):
        convolution.widget()


def test_a_run_that_wrote_nothing_is_refused(tmp_path):
    nothing = trace(lambda x: None, np.ones(2))
    for name in ("page.html", "film.gif"):
        with pytest.raises(ValueError, match="wrote nothing"):
            nothing.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_film_has_a_picture_for_each_step(convolution, tmp_path):
    from PIL import Image

    convolution.save(tmp_path / "film.gif", pace=2)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 4 and film.info["duration"] == 500
        film.seek(3)
        assert film.info["duration"] == films.LAST * 500  # the last picture stays for a while


def test_a_film_needs_ffmpeg_only_as_mp4(convolution, tmp_path, monkeypatch):
    monkeypatch.setattr(films.shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="ffmpeg, which is not installed"):
        convolution.save(tmp_path / "film.mp4")


@pytest.mark.skipif(not films.shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_an_mp4_lasts_as_long_as_its_steps(tmp_path):
    trace(ops.relu, np.ones(2)).save(tmp_path / "film.mp4", pace=2)
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", tmp_path / "film.mp4"]
    duration = float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert duration == pytest.approx((1 + films.LAST) / 2, abs=0.3)


@pytest.mark.parametrize(("name", "begin"), [("step.svg", b"<?xml"), ("step.png", b"\x89PNG")])
def test_a_step_is_saved_as_a_picture(convolution, tmp_path, name, begin):
    convolution.save(tmp_path / name, step=1)
    assert (tmp_path / name).read_bytes().startswith(begin)


def test_what_cannot_be_saved_is_said(convolution, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.html, \.gif"):
        convolution.save(tmp_path / "conv2d.pdf")
    with pytest.raises(ValueError, match="can be dark"):
        convolution.save(tmp_path / "conv2d.gif", dark=True)
    with pytest.raises(ValueError, match="more than 0"):
        convolution.save(tmp_path / "conv2d.gif", pace=0)
    assert not list(tmp_path.iterdir())


def test_pages_need_no_matplotlib():
    code = (
        "import sys, numpy, minivision as mv\n"
        "len(mv.viz.trace(mv.ops.relu, numpy.ones(2))._repr_html_())\n"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- pictures of steps ------------------------------------------------------------------------------------------


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


def test_arrays_are_drawn_side_by_side_and_marked():
    from matplotlib.colors import to_hex

    figure = draw_arrays({"a": np.eye(2), "b": np.array([7])}, title="two", marked={"a": np.eye(2, dtype=bool)})
    assert {"a  2×2", "b  1", "7", "two"} <= set(shown(figure))
    fills = [to_hex(color) for color in figure.axes[0].collections[0].get_facecolor()]
    assert [k for k, fill in enumerate(fills) if fill == "#cfe4f7"] == [0, 3]
    with pytest.raises(ValueError, match="belongs to none"):
        draw_arrays({"a": np.eye(2)}, marked={"a": np.ones(3, bool)})


@pytest.mark.parametrize("name", ["film.gif", "page", "."])
def test_several_players_are_written_as_a_page_only(convolution, tmp_path, name):
    with pytest.raises(ValueError, match="expected a name that ends in .html"):
        save_players([convolution], tmp_path / name)
    with pytest.raises(TypeError, match="expected a list of players"):
        save_players(convolution, tmp_path / "page.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("step", [4, 99, -5])
def test_a_step_that_is_not_there_is_named(convolution, tmp_path, step):
    count = len(convolution.steps)
    assert count == 4
    with pytest.raises(ValueError, match="step: expected at (most 3|least -4)"):
        convolution.draw(step)
    with pytest.raises(ValueError, match="step: expected at (most 3|least -4)"):
        convolution.save(tmp_path / "step.svg", step=step)
    assert list(tmp_path.iterdir()) == []
    assert shown(convolution.draw(-4)) == shown(convolution.draw(0)) != shown(convolution.draw(3))


@pytest.mark.parametrize("op", [3, "conv2d", None])
def test_what_is_no_function_is_named(op):
    with pytest.raises(TypeError, match=r"expected an operation of minivision\.ops or a function of your own, .* got "):
        trace(op, np.ones((2, 2)))
