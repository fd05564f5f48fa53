"""Learning-rate factors are pure functions of step and total, climb, and then fall as they should."""

import math

import pytest

from minivision.optim.schedules import warmup_steps
from minivision.training import rate_factor


def test_warm_up_climbs_in_a_straight_line_to_one():
    factors = [rate_factor("constant", step, 100, warmup=0.1) for step in range(12)]
    assert factors[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert factors[10:] == [1, 1]


def test_cosine_falls_from_one_to_almost_nothing():
    factors = [rate_factor("cosine", step, 100, warmup=0) for step in range(100)]
    assert factors[0] == 1 and factors[50] == pytest.approx(0.5)
    assert factors == sorted(factors, reverse=True)
    assert 0 < factors[-1] < 1e-3
    assert factors[25] == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))


def test_step_falls_twice_by_ten():
    factors = [rate_factor("step", step, 90, warmup=0) for step in range(90)]
    assert factors == [1.0] * 60 + [0.1] * 20 + [0.01] * 10


@pytest.mark.parametrize("schedule", ["constant", "step", "cosine"])
@pytest.mark.parametrize("total", [1, 2, 7, 1000])
@pytest.mark.parametrize("warmup", [0, 0.05, 1])
def test_always_positive_and_at_most_one(schedule, total, warmup):
    assert all(0 < rate_factor(schedule, step, total, warmup=warmup) <= 1 for step in range(total))


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="constant, step, cosine"):
        rate_factor("linear", 0, 10)
    with pytest.raises(ValueError, match="0 to 9"):
        rate_factor("cosine", 10, 10)


def test_a_climb_told_as_its_part_of_the_steps_has_as_many_steps_again():
    for total in range(1, 400):
        assert [warmup_steps(steps / total, total) for steps in range(total + 1)] == list(range(total + 1))
