"""Reading ahead: the same results in order, bounded, errors where they belong, and a thread that always ends."""

import gc
import itertools
import threading
import time

import pytest

from minivision.core.backends import active_backend, backend
from minivision.data.read_ahead import read_ahead


def reading():
    return [thread for thread in threading.enumerate() if thread.name == "read ahead"]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    assert not reading()


def test_results_come_in_order_and_from_another_thread():
    found = list(read_ahead(lambda k: (k * k, threading.current_thread().name), range(50)))
    assert found == [(k * k, "read ahead") for k in range(50)]


def test_it_is_so_many_results_ahead_and_no_more():
    begun = []
    results = read_ahead(begun.append, itertools.count(), ahead=3)
    assert begun == []  # nothing before the first is asked for
    next(results)
    deadline = time.monotonic() + 20
    while len(begun) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    assert begun == [0, 1, 2, 3, 4]  # one is used, three wait, one waits for a place
    results.close()


def test_an_exception_comes_at_its_place_with_its_own_traceback():
    def broken_at_two(k):
        if k == 2:
            raise KeyError("street.jpg")
        return k

    results = read_ahead(broken_at_two, itertools.count())
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyError, match="street.jpg") as caught:
        next(results)
    assert "broken_at_two" in [entry.name for entry in caught.traceback]
    assert next(results, "closed") == "closed"


def test_the_thread_ends_when_the_caller_is_interrupted_or_forgets_it():
    with pytest.raises(KeyboardInterrupt):
        for _ in read_ahead(lambda k: k, itertools.count()):
            assert reading()
            raise KeyboardInterrupt
    results = read_ahead(lambda k: k, itertools.count())
    next(results)
    assert reading()
    del results
    gc.collect()
    assert not reading()


def test_the_backend_of_the_caller_is_that_of_the_thread():
    with backend("reference"):
        assert list(read_ahead(lambda _: active_backend(), range(2))) == [active_backend()] * 2
