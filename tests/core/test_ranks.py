"""Sums over ranks: the same bits on every rank and in every order of the messages; what a process alone does."""

import time

import numpy as np
import pytest
from thread_ranks import ThreadRanks, on_ranks

from minivision.core.ranks import (
    SMALL,
    Echo,
    Ranks,
    current_ranks,
    generators_of_images,
    launched_rank,
    share_of_mean,
    using_ranks,
)


def arrays_of(size, length, dtype=np.float32):
    """Return one array for each rank, whose sum depends on the order of the terms."""
    rng = np.random.default_rng(size)
    return [(10.0 ** rng.integers(-3, 8, length) * rng.normal(size=length)).astype(dtype) for _ in range(size)]


def in_order(arrays):
    total = arrays[0].copy()
    for array in arrays[1:]:
        total = total + array
    return total


@pytest.mark.parametrize("size", [2, 3, 5])
@pytest.mark.parametrize("length", [1, 7, SMALL // 4, SMALL // 4 + 1, 10_007])
def test_the_sum_has_the_bits_of_adding_in_the_order_of_the_ranks(size, length):
    arrays = arrays_of(size, length)
    results = on_ranks(size, lambda ranks: ranks.sum(arrays[ranks.rank]))
    assert {result.tobytes() for result in results} == {in_order(arrays).tobytes()}
    assert length < 1000 or size == 2 or (in_order(arrays) != in_order(arrays[::-1])).any()  # the order counts


class Late(ThreadRanks):
    """Its messages come late, the later the lower the rank."""

    def begin_trade(self, sent, received, tag=0):
        time.sleep(0.02 * (self.size - self.rank))
        return super().begin_trade(sent, received, tag)


def test_the_order_of_the_messages_does_not_matter(monkeypatch):
    arrays = arrays_of(3, 5000)
    expected = on_ranks(3, lambda ranks: ranks.sum(arrays[ranks.rank]))[0]
    monkeypatch.setattr("thread_ranks.ThreadRanks", Late)
    assert (
        on_ranks(3, lambda ranks: (type(ranks), ranks.sum(arrays[ranks.rank]).tobytes()))
        == [(Late, expected.tobytes())] * 3
    )


def test_a_rank_sends_less_than_twice_the_array_however_many_there_are():
    for size in (2, 4, 8):
        array = np.ones(80_000, np.float32)

        def bytes_sent(ranks, array=array):
            ranks.sum(array)
            return ranks.sent

        assert set(on_ranks(size, bytes_sent)) == {2 * (size - 1) * array.nbytes // size}


def test_what_rank_0_has_or_makes_all_get():
    called = []

    def share(ranks):
        array = np.arange(6.0).reshape(2, 3) if ranks.rank == 0 else np.empty((2, 3))
        made = ranks.made_by_first(lambda: called.append(ranks.rank) or {"steps": 7})
        return ranks.broadcast(array).tolist(), made, ranks.number_of_first(0.1 + ranks.rank)

    assert on_ranks(3, share) == [([[0, 1, 2], [3, 4, 5]], {"steps": 7}, 0.1)] * 3
    assert called == [0]


def test_all_get_what_each_rank_has():
    def share(ranks):
        ranks.wait_for_all()
        return ranks.gather_objects("x" * ranks.rank), ranks.any(ranks.rank == 2), ranks.any(False)

    assert on_ranks(3, share) == [(["", "x", "xx"], True, False)] * 3


def test_shares_of_means_average_to_the_mean_of_all_terms():
    terms = [np.array([1.0, 2.0, 6.0]), np.array([5.0]), np.zeros(0)]

    def share(ranks):
        own = terms[ranks.rank]
        mean = own.mean() if len(own) else 0.0
        loss, gradient = share_of_mean(len(own), mean, np.full(2, mean))
        return loss, gradient.tolist(), share_of_mean(lambda: 0, 0.0)

    losses, gradients, nothing = zip(*on_ranks(3, share), strict=True)
    assert np.mean(losses) == pytest.approx(14 / 4) and np.mean(gradients, axis=0) == pytest.approx([14 / 4] * 2)
    assert nothing == ((0.0,),) * 3


def test_what_is_drawn_for_an_image_does_not_depend_on_the_number_of_ranks():
    def draw(ranks):
        rng = np.random.default_rng(4)
        generators_of_images(rng, 4 // ranks.size)  # of another layer, before
        return [each.random(3).tolist() for each in generators_of_images(rng, 4 // ranks.size)]

    alone = draw(current_ranks())
    assert len({tuple(each) for each in alone}) == 4
    assert sum(on_ranks(2, draw), []) == sum(on_ranks(4, draw), []) == alone


def test_a_process_alone_returns_what_it_is_given():
    ranks, array = current_ranks(), np.ones(3)
    assert (ranks.rank, ranks.size) == (0, 1)
    assert ranks.sum(array) is ranks.broadcast(array) is ranks.gather(array)[0] is array
    assert (ranks.sum_number(2), ranks.number_of_first(3), ranks.gather_objects(4)) == (2, 3, [4])
    assert ranks.made_by_first(lambda: 5) == 5 and not ranks.any(False)
    assert share_of_mean(lambda: pytest.fail("counted"), array)[0] is array
    ranks.wait_for_all()
    ranks.end_all(1)


def test_an_echo_needs_no_others():
    def inside(ranks):
        with using_ranks(Echo(ranks)):
            return current_ranks().rank, current_ranks().sum(np.ones(2)).tolist(), share_of_mean(3, 0.5)

    assert on_ranks(2, inside) == [(0, [2, 2], (0.5,)), (1, [2, 2], (0.5,))]


def test_ranks_that_cannot_send_say_so():
    ranks = Ranks()
    ranks.size = 2
    with pytest.raises(NotImplementedError, match="how its ranks send"):
        ranks.sum(np.ones(1))


@pytest.mark.parametrize(
    ("variables", "rank"),
    [({}, None), ({"PMI_RANK": "3"}, 3), ({"OMPI_COMM_WORLD_RANK": "0"}, 0), ({"PMIX_RANK": "x"}, None)],
)
def test_the_launchers_number_of_this_process(monkeypatch, variables, rank):
    for name in ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "PMIX_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert launched_rank() == rank
