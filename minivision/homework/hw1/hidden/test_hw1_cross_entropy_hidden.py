"""Graded tests of the cross-entropy of every pixel: the loss alone, and loss and gradient."""

import numpy as np
import pytest

from minivision import ops

# ---- 1.10: the cross-entropy of every pixel -------------------------------------------------------------------------


def counts_alike(case):
    """Neither weights nor ignored targets, and no huge scores."""
    return "weight" not in case and nothing_ignored(case) and not huge(case)


def nothing_ignored(case):
    return "ignore_index" not in case and (case["target"] >= 0).all()


def huge(case):
    """Scores whose exponentials overflow."""
    return abs(case["scores"]).max() > 700


def compare_losses(student, **settings):
    """Compare the loss alone, of examples and of maps."""
    for number, size in enumerate([(), (5, 4), (7, 3)]):
        rng = np.random.default_rng([student.seed, number])
        scores, target = 2 * rng.normal(size=(6, 4, *size)), rng.integers(0, 4, (6, *size))
        target = np.where(rng.random(target.shape) < settings.get("ignored", 0), 255, target)
        options = {"ignore_index": 255}
        if "weight" in settings:
            options["weight"] = rng.uniform(0.2, 2, 4)
        got, _ = student.softmax_cross_entropy(scores, target, **options)
        right, _ = ops.softmax_cross_entropy(scores, target, **options)
        assert np.isclose(got, right, rtol=1e-6), f"the loss should be {right} and is {got}"


@pytest.mark.task("1.10", points=2)
def test_the_loss_of_known_pixels(student):
    compare_losses(student)


@pytest.mark.task("1.10", points=1)
def test_the_loss_with_unknown_pixels_and_weights(student):
    compare_losses(student, ignored=0.3)
    compare_losses(student, ignored=0.3, weight=True)


@pytest.mark.task("1.10", points=2)
def test_the_gradient_where_all_count_alike(student):
    student.check("softmax_cross_entropy", seed=student.seed, keep=counts_alike)


@pytest.mark.task("1.10", points=1)
def test_the_gradient_with_unknown_pixels(student):
    student.check("softmax_cross_entropy", seed=student.seed, keep=lambda case: "weight" not in case and not huge(case))


@pytest.mark.task("1.10", points=1)
def test_the_gradient_with_weights(student):
    student.check("softmax_cross_entropy", seed=student.seed, keep=lambda case: "weight" in case)


@pytest.mark.task("1.10", points=1)
def test_huge_scores(student):
    student.check("softmax_cross_entropy", seed=student.seed, keep=huge)
