"""Calling a function in threads: results in order, few ahead of their use, and no work after an error."""

import time

import pytest

from minivision.data.threads import map_in_threads


@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("threads", [1, 3, None])
def test_results_come_in_the_order_of_the_items(count, threads):
    assert list(map_in_threads(lambda item: item**2, range(count), threads=threads)) == [k**2 for k in range(count)]


def test_the_threads_are_few_items_ahead_and_stop_with_the_caller():
    called = []
    results = map_in_threads(called.append, range(1000), threads=2)
    for _ in range(3):
        next(results)
    results.close()
    assert 3 <= len(called) <= 1 + 16 * (2 * 2 + 1 + 2)  # chunks of 16: waiting, taken, running


def test_an_error_ends_the_work():
    called = []

    def function(item):
        called.append(item)
        time.sleep(0.001)
        if item == 5:
            raise ValueError("item 5")

    with pytest.raises(ValueError, match="item 5"):
        list(map_in_threads(function, range(1000), threads=2))
    assert len(called) < 60  # 5 chunks of 16 were planned
