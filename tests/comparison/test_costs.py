"""Measured costs, compared with counts by hand, formulas, and arrays of known size."""

import threading
import tracemalloc

import numpy as np
import pytest

from minivision import ops
from minivision.comparison import costs, count_multiply_adds, measure_costs, median_seconds, peak_memory
from minivision.comparison.segmentation import multiply_adds_at_full_size
from minivision.core.dispatch import observe
from minivision.data import Sample
from minivision.data.instances import Instances
from minivision.models import make_model

CLASSES = ("background", "disc", "square")
MB = 1e6


@pytest.fixture
def sample(rng):
    image = rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    return Sample(image, Instances.empty(), image[..., 0] // 86)


def zeros(*shape):
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("call", "by_hand"),
    [
        (lambda: ops.conv2d(zeros(2, 4, 9, 7), zeros(6, 4, 3, 3), padding=1), 2 * 6 * 9 * 7 * 4 * 9),
        (lambda: ops.conv2d(zeros(1, 4, 9, 9), zeros(6, 2, 3, 5), stride=2, groups=2), 6 * 4 * 3 * 2 * 15),
        (lambda: ops.conv2d(zeros(1, 1, 9, 9), zeros(1, 1, 3, 3), zeros(1), dilation=4), 1 * 9),
        (lambda: ops.conv_transpose2d(zeros(2, 4, 5, 7), zeros(4, 6, 2, 2), stride=2), 2 * 4 * 5 * 7 * 6 * 4),
        (lambda: ops.conv_transpose2d(zeros(1, 4, 5, 5), zeros(4, 3, 3, 3), groups=2), 4 * 5 * 5 * 3 * 9),
        (lambda: ops.linear(zeros(5, 7), zeros(3, 7), zeros(3)), 5 * 7 * 3),
        (lambda: ops.relu(zeros(5, 7)), 0),
        (lambda: ops.conv2d_backward(zeros(1, 1, 2, 2), zeros(1, 1, 3, 3), zeros(1, 1, 2, 2)), 0),
        (lambda: None, 0),
    ],
)
def test_multiply_adds_are_those_counted_by_hand(call, by_hand):
    assert count_multiply_adds(call) == by_hand


@pytest.mark.parametrize("upsampling", ["nearest", "transpose-conv"])
def test_multiply_adds_of_the_encoder_decoder_are_those_of_its_formula(upsampling, sample):
    model = make_model("encoder-decoder", CLASSES, upsampling=upsampling)
    pixels = 32 * 48
    expected = pixels * 27 * 16  # the stem, before any pooling
    expected += pixels // 4 * 9 * 4 * 16 * 16  # two residual blocks of two convolutions
    expected += pixels // 16 * 9 * (16 * 32 + 2 * 32 * 32) + pixels // 64 * 9 * (32 * 64 + 2 * 64 * 64)
    expected += pixels // 64 * 64 * 32 + pixels // 16 * 9 * 32 * 32  # narrow, and merge after the upsampling
    expected += pixels // 16 * 32 * 16 + pixels // 4 * 9 * 16 * 16
    expected += pixels // 4 * 16 * len(CLASSES)
    if upsampling == "transpose-conv":
        expected += pixels // 64 * 32 * 32 * 16 + pixels // 16 * 16 * 16 * 16
    assert count_multiply_adds(lambda: model.predict([sample.image])) == expected


def test_at_full_size_a_network_has_the_multiply_adds_of_the_network_at_full_resolution(sample):
    model = make_model("full-resolution", CLASSES)
    count = count_multiply_adds(lambda: model.predict([sample.image]))
    assert multiply_adds_at_full_size(model, sample.image) == count
    with_pooling = make_model("encoder-decoder", CLASSES)
    less = count_multiply_adds(lambda: with_pooling.predict([sample.image]))
    assert multiply_adds_at_full_size(with_pooling, sample.image) > 10 * less


def test_peak_memory_is_that_of_arrays_held_together_without_those_that_were_there_before():
    there = np.ones(4_000_000)

    def function():
        first = np.ones(1_000_000)  # 8 MB
        second = first + 1
        del first
        return second * there[:500_000].sum()  # 8 MB and 8 MB

    assert peak_memory(function) == pytest.approx(16 * MB, rel=0.01)
    assert not tracemalloc.is_tracing()


def test_peak_memory_leaves_out_what_is_kept_for_later_calls():
    kept = []

    def function():
        if len(kept) < 3:  # the call that is not measured, and two that are
            kept.append(np.ones(1_000_000))
        np.ones(100_000)

    assert peak_memory(function) == pytest.approx(0.8 * MB, rel=0.01)


def test_kernels_use_one_thread_while_memory_is_measured_and_all_of_them_afterwards():
    import numba

    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    used = []
    peak_memory(lambda: used.append(numba.get_num_threads()))
    assert set(used[1:]) == {1} and numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS


def test_peak_memory_is_the_same_each_time(sample):
    model = make_model("full-resolution", CLASSES)
    peaks = [peak_memory(lambda: model.predict([sample.image])) for _ in range(5)]
    assert max(peaks) < 1.01 * min(peaks)


def test_tracing_ends_also_after_an_error_and_continues_if_it_was_on_before():
    divisors = iter([1, 1, 0])
    with pytest.raises(ZeroDivisionError):
        peak_memory(lambda: 1 / next(divisors))
    assert not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        np.ones(1_000_000)  # a peak of before
        assert peak_memory(lambda: np.ones(100_000)) == pytest.approx(0.8 * MB, rel=0.01)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()


def test_the_first_call_is_not_in_the_median_and_the_others_are_enough(monkeypatch):
    durations, now = iter([100.0, 1.0, 5.0, 2.0]), [0.0]
    monkeypatch.setattr(costs.time, "perf_counter", lambda: now[0])

    def function():
        now[0] += next(durations)

    assert median_seconds(function, seconds=0, min_calls=3) == 2.0


def test_measuring_does_not_change_the_model_and_finds_its_costs(sample, monkeypatch):
    monkeypatch.setattr(costs, "median_seconds", lambda function: function() and 0.5)
    figures = {}
    for name in ("full-resolution", "encoder-decoder"):
        model = make_model(name, CLASSES)
        before = {key: array.copy() for key, array in model.state().items()}
        figures[name] = measure_costs(model, sample)
        for key, array in model.state().items():
            np.testing.assert_array_equal(array, before[key], err_msg=key)
        assert all((parameter.grad == 0).all() for parameter in model.parameters()) and model.leftovers() == []
        assert figures[name]["prediction_memory"] < figures[name]["training_memory"]
        assert figures[name]["parameters"] == sum(array.size for key, array in before.items() if "running" not in key)
    full, down = figures["full-resolution"], figures["encoder-decoder"]
    map_bytes = 16 * 32 * 48 * 4
    assert 2 * map_bytes < full["prediction_memory"] < 20 * map_bytes
    assert full["training_memory"] > 14 * map_bytes  # of each convolution at least its input and its output are kept
    assert down["training_memory"] < full["training_memory"] / 1.5


# ---- observing operations ----------------------------------------------------------------------------------


def test_an_observer_sees_each_operation_with_normalized_arguments_and_its_result():
    seen = []
    with observe(lambda *call: seen.append(call)):
        y = ops.conv2d(zeros(1, 1, 5, 5), zeros(1, 1, 3, 3), stride=2)
        ops.relu(y)
    ops.relu(y)
    assert [operation.__name__ for operation, _, _ in seen] == ["conv2d", "relu"]
    assert seen[0][1][3] == (2, 2) and seen[0][2] is y


def test_observers_nest_end_with_an_error_and_do_not_see_other_threads():
    outer, inner = [], []
    with observe(lambda *call: outer.append(call)):
        with pytest.raises(ValueError, match="stop"), observe(lambda *call: inner.append(call)):
            ops.relu(zeros(1))
            raise ValueError("stop")
        ops.relu(zeros(1))
        thread = threading.Thread(target=lambda: ops.relu(zeros(1)))
        thread.start()
        thread.join()
    assert (len(outer), len(inner)) == (2, 1)
