"""Growth: what is measured in processes of their own, what the table says, and what happens where there is nothing."""

import inspect
import json
import mmap
import sys

import numpy as np
import pytest

from minivision.bench import growth, growth_picture, growth_point
from minivision.bench.growth import AXES, BASES, measure_apart, measure_points, points, table
from minivision.bench.growth_point import OURS, STEPS, TORCH, Figures, Point, make_step, median_seconds
from minivision.bench.work import works_of

HERE = Point("block", OURS, batch=2, channels=8, side=16, threads=1)


@pytest.fixture
def invented():
    """Figures of all points: times and memory in proportion to all numbers, PyTorch twice as long."""
    wanted = points(STEPS, (OURS, TORCH), 1)
    return {
        point: Figures(
            0.001 * point.batch * max(point.channels, 1) * point.side**2 * (1 + (point.library == TORCH)),
            None if point.library == TORCH else 100 * point.batch * point.side**2,
            1000 * point.batch * point.side**2,
        )
        for point in wanted
    }


def test_each_size_is_measured_once_for_each_library_and_the_small_ones_first():
    wanted = points(STEPS, (OURS, TORCH), 1)
    assert len(set(wanted)) == len(wanted) == 2 * (7 + 3 + 5 + 7 + 3)
    assert all(a._replace(library="") == b._replace(library="") for a, b in zip(wanted[::2], wanted[1::2], strict=True))
    for step, axes in (("block", AXES), ("encoder-decoder", ("batch", "side"))):
        for axis in axes:
            found = {getattr(point, axis) for point in wanted if point.step == step}
            assert found >= set(AXES[axis])
    sizes = [point.batch * point.side**2 * max(point.channels, 1) for point in wanted if point.step == "block"]
    assert sizes[0] == min(sizes) and sizes[-1] == max(sizes)


def test_a_point_is_measured_in_a_process_of_its_own():
    small, large = (measure_apart(HERE._replace(side=side, channels=16), 120) for side in (32, 128))
    assert isinstance(small, Figures) and isinstance(large, Figures), (small, large)
    assert 4 < large.milliseconds / small.milliseconds < 64
    maps = 2 * 16 * 128 * 128 * 4
    assert 2 * maps < large.array_bytes < 8 * maps
    if sys.platform == "linux":
        assert 3 * maps < large.process_bytes < 30 * maps  # its input and upstream gradient too


def test_pytorch_is_measured_too():
    pytest.importorskip("torch")
    figures = measure_apart(HERE._replace(library=TORCH), 120)
    assert isinstance(figures, Figures), figures
    assert figures.milliseconds > 0 and figures.array_bytes is None


def test_both_libraries_do_the_same_step():
    torch = pytest.importorskip("torch")
    dx = make_step("block", None, 2, 8, 16)()
    step = make_step("block", torch, 2, 8, 16)
    step()
    images = inspect.getclosurevars(step).nonlocals["images"]
    np.testing.assert_allclose(images.grad.numpy(), dx, atol=1e-4)


def test_a_block_is_a_convolution_a_normalization_and_a_relu_forward_and_backward():
    works = works_of(make_step("block", None, 2, 8, 16))
    assert len(works) == 6
    assert sum(work.multiply_adds for work in works) == 3 * 2 * 8 * 8 * 9 * 16 * 16


def test_a_process_that_fails_says_why_and_one_that_hangs_is_ended():
    why = measure_apart(HERE._replace(channels=-3), 120)
    assert why.startswith("the process ended with 1: ") and "Error" in why
    assert measure_apart(HERE, 0.01) == "the process took longer than 0 s"


def test_no_size_is_begun_when_the_time_is_over_but_both_libraries_get_a_size_that_was(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(growth.time, "monotonic", lambda: now[0])

    def measure(point, seconds):
        now[0] += 40
        return Figures(1.0, 1, 1)

    monkeypatch.setattr(growth, "measure_apart", measure)
    wanted = [HERE._replace(batch=batch, library=library) for batch in (1, 2) for library in (OURS, TORCH)]
    found = [figures for _, figures in measure_points(wanted, minutes=0.5)]
    assert found[:2] == [Figures(1.0, 1, 1)] * 2 and found[2:] == ["the 0.5 minutes were over"] * 2


def test_the_table_has_every_size_with_the_ratios(invented):
    lines = table(invented)
    titles = [line for line in lines if line.startswith(STEPS)]
    assert titles == [
        "block, channels 32, side 64", "block, batch 4, channels 32", "block, batch 4, side 64",
        "encoder-decoder, side 128", "encoder-decoder, batch 4",
    ]  # fmt: skip
    rows = [line.split() for line in lines if line.strip()[:1].isdigit()]
    assert [int(row[0]) for row in rows[:7]] == list(AXES["batch"])
    assert rows[0] == ["1", "131.1", "262.1", "0.50", "0.4", "4.1", "4.1", "1.00"]


def test_without_pytorch_its_columns_are_left_out(invented):
    ours = {point: figures for point, figures in invented.items() if point.library == OURS}
    lines = table(ours)
    assert "PyTorch" not in "".join(lines) and len(lines[2].split()) == 4


def test_missing_sizes_are_dashes_and_named_with_the_reason(invented):
    point = Point("block", TORCH, batch=1, channels=32, side=64, threads=1)
    invented[point] = "the process ended with -9, perhaps for lack of memory"
    lines = table(invented)
    (row,) = (line for line in lines[:4] if line.strip().startswith("1 "))
    assert row.split() == ["1", "131.1", "-", "-", "0.4", "4.1", "-", "-"]
    assert lines[-2].startswith("1 not measured, since the process ended with -9")
    assert lines[-1].strip() == "block, batch 1, side 64, channels 32, PyTorch"
    assert {each["missing"] for each in growth.as_json(invented) if "missing" in each} == {invented[point]}


def test_figures_survive_json(invented):
    found = json.loads(json.dumps(growth.as_json(invented), allow_nan=False))
    assert len(found) == len(invented)
    assert found[0]["milliseconds"] == next(iter(invented.values())).milliseconds and found[0]["step"] in STEPS


def test_the_picture_has_a_panel_for_each_curve_and_a_description(invented):
    figure = growth_picture.draw(invented)
    panels = [axis for axis in figure.axes if axis.axison]
    assert len(panels) == 2 * (3 + 2)
    first = panels[0]
    ours, theirs, _ = first.lines
    assert list(ours.get_xdata()) == list(AXES["batch"]) and ours.get_label() == "minivision"
    assert np.allclose(np.divide(theirs.get_ydata(), ours.get_ydata()), 2)
    text = growth_picture.description(invented)
    assert "PyTorch, block: 262 ms at batch 1, 1.68e+04 ms at batch 64." in text
    only = {point: figures for point, figures in invented.items() if point.step == "block" and point.channels == 8}
    assert growth_picture.draw(only).axes  # a few sizes only


def test_the_median_of_a_step_leaves_out_the_first(monkeypatch):
    durations, now = iter([100.0, 1.0, 5.0, 2.0]), [0.0]
    monkeypatch.setattr(growth_point, "SECONDS", 0)

    def step():
        now[0] += next(durations)

    assert median_seconds(step, lambda: now[0]) == 2.0


def test_the_peak_of_this_process_is_that_of_arrays_it_had():
    before = growth_point.start_of_peak()
    if before is None:
        pytest.skip("this system does not tell")
    with mmap.mmap(-1, 120_000_000) as fresh:  # pages that this process did not have before
        fresh.write(bytes(len(fresh)))
    assert growth_point.peak_of_process() - before > 60e6


def test_bases_are_sizes_of_their_curves():
    assert all(size in AXES[axis] for base in BASES.values() for axis, size in base.items() if size)
