"""Drawing boxes to train on."""

import numpy as np
import pytest

from minivision.detection import BACKGROUND, IGNORED, sample


@pytest.fixture
def matches(rng):
    return rng.permutation(np.repeat([BACKGROUND, IGNORED, 0, 4], [60, 20, 10, 10]))


@pytest.mark.parametrize(("size", "fraction", "positives", "negatives"), [
    (32, 0.5, 16, 16), (64, 0.25, 16, 48), (64, 0.5, 20, 44), (200, 0.5, 20, 60), (5, 0.5, 2, 3), (8, 0, 0, 8),
    (10, 1, 10, 0),
])  # fmt: skip
def test_as_many_as_there_are_up_to_the_fraction_then_background(matches, rng, size, fraction, positives, negatives):
    positive, negative = sample(matches, size, fraction, rng)
    assert (len(positive), len(negative)) == (positives, negatives)
    assert (matches[positive] >= 0).all() and (matches[negative] == BACKGROUND).all()
    assert len(set(positive) | set(negative)) == positives + negatives  # none twice


def test_the_seed_decides_and_every_candidate_has_the_same_chance(matches):
    draws = [sample(matches, 8, 0.5, np.random.default_rng(seed)) for seed in range(600)]
    for mine, again in zip(draws[3], sample(matches, 8, 0.5, np.random.default_rng(3)), strict=True):
        np.testing.assert_array_equal(mine, again)
    for kind, candidates in enumerate((20, 60)):
        drawn = np.bincount(np.concatenate([draw[kind] for draw in draws]), minlength=100)
        expected = 600 * 4 / candidates
        assert abs(drawn[drawn > 0] - expected).max() < 5 * np.sqrt(expected)
        assert (drawn > 0).sum() == candidates


def test_nothing_but_ignored_boxes_gives_nothing(rng):
    for matches in (np.full(5, IGNORED), np.zeros(0, int)):
        positive, negative = sample(matches, 8, 0.5, rng)
        assert positive.shape == negative.shape == (0,) and positive.dtype == np.int64


@pytest.mark.parametrize(("size", "fraction"), [(0, 0.5), (8, 1.5), (8, np.nan)])
def test_an_impossible_share_is_refused(matches, rng, size, fraction):
    with pytest.raises(ValueError, match="positive_fraction from 0 to 1"):
        sample(matches, size, fraction, rng)
