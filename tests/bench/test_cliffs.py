"""The detector of cliffs finds one that was planted, and none where time follows the work."""

import time

import numpy as np
import pytest

from minivision.bench import cliffs as module
from minivision.bench.cliffs import (
    FILTERS,
    Cliff,
    Line,
    Timed,
    as_json,
    find_cliffs,
    find_decline,
    find_jumps,
    lines,
    operations,
    sweep,
    table,
    thread_seconds,
    time_line,
)

SIZES = np.arange(8, 161)
WORK = 9.0 * SIZES**2


@pytest.fixture
def line():
    return Line("conv2d", FILTERS[0], "channels", 14, [15, 16, 17])


@pytest.mark.parametrize("overhead", [0, 2e-5, 1e-3])
def test_there_is_no_jump_where_time_follows_the_work(overhead, rng):
    seconds = (overhead + 1e-9 * WORK) * rng.uniform(0.9, 1.1, len(WORK))
    assert find_jumps(seconds, WORK) == []


def test_vectors_that_are_not_full_are_no_jump():
    assert find_jumps(2e-5 + 1e-9 * 9 * (16 * np.ceil(SIZES / 16)) * SIZES, WORK, factor=2) == []


@pytest.mark.parametrize(("factor", "ratio"), [(1.8, 1.8), (1 / 1.8, 1.05 / 1.8)])
def test_a_planted_cliff_is_found_with_its_side(factor, ratio):
    """Where the time falls, the work still grows, here by 4 %."""
    seconds = 2e-5 + 1e-8 * WORK
    seconds[40:] *= factor
    ((k, found),) = find_jumps(seconds, WORK)
    assert k == 39 and found == pytest.approx(ratio, rel=0.02)


def test_a_single_slow_size_has_two_sides():
    seconds = 1e-8 * WORK
    seconds[60] *= 3
    assert [(k, round(ratio, 1)) for k, ratio in find_jumps(seconds, WORK)] == [(59, 3.0), (60, 0.3)]


def test_time_that_grows_with_the_work_is_no_jump_however_steep():
    work = [1.0, 10.0, 100.0]
    assert find_jumps(work, work) == []


def test_time_that_does_not_grow_is_no_jump():
    """Small arrays take as long as the way to the kernel."""
    assert find_jumps([1.0, 1.0, 0.9], [1.0, 4.0, 9.0]) == []
    assert find_jumps([1.0, 1.0, 0.5], [1.0, 4.0, 9.0]) == [(1, 0.5)]


def test_a_slope_without_a_jump_is_a_decline():
    """From 60 channels on each takes 1 % longer than the one before."""
    seconds = 1e-8 * WORK * 1.01 ** np.maximum(0, np.arange(len(WORK)) - 52)
    assert find_jumps(seconds, WORK) == []
    ((fast, slow),) = find_decline(seconds, WORK)
    assert fast <= 52 and slow == len(WORK) - 1


def test_a_size_that_is_slow_once_or_a_start_that_is_slow_is_no_decline():
    seconds = 1e-4 + 1e-8 * WORK
    seconds[50] *= 3
    assert find_decline(seconds, WORK) == []


def test_a_decline_is_timed_again(monkeypatch):
    sizes = list(range(8, 20))
    line, work = Line("conv2d", FILTERS[0], "channels", 14, sizes), [100] * 12
    monkeypatch.setattr(module.Line, "call", lambda self, size, batch: size)
    timed = Timed(line, [1.1 ** (k // 2) for k in range(12)], work)
    monkeypatch.setattr(module, "_pair_seconds", lambda first, second: [1.0, 1.0])
    assert list(find_cliffs(timed, factor=1.4)) == []
    monkeypatch.setattr(module, "_pair_seconds", lambda first, second: [1.0, 2.0])
    (cliff,) = find_cliffs(timed, factor=1.4)
    assert cliff.smaller <= 9 and cliff.larger >= 18 and cliff.slow == cliff.larger and cliff.factor == 2


def test_noise_is_measured_again(line, monkeypatch):
    """A size that was slow once is no cliff; one that is slow each time is."""
    timed = Timed(line, [1.0, 3.0, 1.0], [225, 256, 289])
    monkeypatch.setattr(module, "_pair_seconds", lambda first, second: [1.0, 1.1])
    assert list(find_cliffs(timed)) == []
    monkeypatch.setattr(module, "_pair_seconds", lambda first, second: [0.001, 0.003])
    first, second = find_cliffs(timed)
    assert (first.smaller, first.larger, first.slow, first.milliseconds) == (15, 16, 16, (1.0, 3.0))
    assert first.factor == pytest.approx(3 * 225 / 256) and first.work == pytest.approx(256 / 225)
    assert (second.smaller, second.larger) == (16, 17)


def test_a_cliff_in_a_kernel_is_found(line, monkeypatch):
    """The whole way, with a kernel that waits at 16 channels."""

    def call(size, batch):
        def slow():
            end = time.thread_time() + (0.004 if size == 16 else 0.001)
            while time.thread_time() < end:
                pass

        return slow

    monkeypatch.setattr(module.Line, "call", lambda self, size, batch: call(size, batch))
    monkeypatch.setattr(module, "works_of", lambda call: [module.works_of.work])
    module.works_of.work = type("Work", (), {"multiply_adds": 1000})
    timed = time_line(line)
    found = list(find_cliffs(timed))
    assert [(cliff.smaller, cliff.larger, cliff.slow) for cliff in found] == [(15, 16, 16), (16, 17, 16)]
    assert all(3 < cliff.factor < 5 for cliff in found)


@pytest.mark.parametrize("filters", FILTERS, ids=lambda filters: filters.name)
def test_lines_run_their_operation_on_the_shapes_they_say(filters):
    for each in lines():
        if each.filters == filters:
            result = each.call(9, 2)()
            dx_or_y = result[0] if isinstance(result, tuple) else result
            channels, side = each.shape(9)
            assert dx_or_y.shape[:2] == (2, channels) and 9 in (channels, side)
            if isinstance(result, tuple):
                assert dx_or_y.shape == (2, channels, side, side)


def test_every_operation_and_every_size_is_there():
    assert operations() == ["conv2d", "conv2d_backward", "conv_transpose2d", "conv_transpose2d_backward"]
    every = lines()
    assert {each.operation for each in every} == set(operations())
    assert {(each.axis, each.sizes[0], each.sizes[-1]) for each in every} == {("channels", 8, 160), ("map", 7, 130)}
    assert {each.operation for each in lines(["conv2d"])} == {"conv2d"}


def test_times_have_the_work_of_their_sizes(line):
    timed = time_line(line)
    assert timed.multiply_adds == [size * size * 9 * 14 * 14 for size in (15, 16, 17)]
    assert all(1e-6 < seconds < 1 for seconds in timed.seconds)
    assert as_json(timed)["sizes"] == [15, 16, 17]


def test_the_processor_time_of_a_call_leaves_out_waiting():
    assert thread_seconds(lambda: time.sleep(0.01), seconds=0, calls=2) < 0.005


def test_a_sweep_ends_with_its_time(monkeypatch):
    monkeypatch.setattr(module, "CHANNELS", [8, 9])
    monkeypatch.setattr(module, "MAPS", [7, 8])
    assert list(sweep(["conv_transpose2d"], minutes=1e-9)) == []
    swept = list(sweep(["conv_transpose2d"]))
    assert [timed.line.fixed for timed, _ in swept] == [14, 28, 56, 16, 64]


def test_the_table_begins_with_the_worst():
    mild = Cliff("conv2d 3x3", "map", 16, 23, 24, (1.0, 2.0), 1.09, 1.83, 24)
    bad = Cliff("conv2d 1x1", "channels", 28, 31, 32, (6.0, 2.0), 1.07, 3.2, 31)
    head, first, second = table([mild, bad])
    assert "conv2d 1x1" in first and "map 28" in first and "channels 31, 32" in first and first.endswith("3.20  31")
    assert "channels 16" in second and "map 23, 24" in second and "factor" in head
    assert table([mild, bad], rows=1)[-1] == "and 1 more"
    assert table([]) == ["no cliffs"]
