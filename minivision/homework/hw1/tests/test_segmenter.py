"""A segmentation network trains on your operations, and finds discs and rings."""

import numpy as np
import pytest

from minivision.data import Batch
from minivision.homework import segmenter
from minivision.homework.student import HandedInError
from minivision.models import make_model
from minivision.training import SGD

# ---- 1.12: a segmentation network -----------------------------------------------------------------------------------


def squares(count=2, size=16):
    """Return a batch of pictures with a red square (class 1) or a blue one (class 2) on a gray background."""
    rng = np.random.default_rng(7)
    images = rng.integers(90, 130, (count, size, size, 3)).astype(np.uint8)
    label_maps = np.zeros((count, size, size), np.uint8)
    for n in range(count):
        top, left = rng.integers(1, size // 2, 2)
        place = n, slice(top, top + size // 2), slice(left, left + size // 2)
        images[place] = (220, 40, 40) if n % 2 == 0 else (40, 40, 220)
        label_maps[place] = 1 + n % 2
    return Batch(images, [], label_maps)


def train_on_squares(upsampling, steps=4):
    """Return the losses of a small encoder-decoder, each before a step."""
    model = make_model(
        "encoder-decoder",
        ("ground", "red", "blue"),
        upsampling=upsampling,
        widths=(4, 6),
        depths=(1, 1),
        rng=np.random.default_rng(0),
    )
    optimizer, batch, losses = SGD(model, momentum=0.9), squares(), []
    for _ in range(steps):
        losses.append(sum(model.step(batch).values()))
        optimizer.step(0.2)
    return np.array(losses)


def expect_losses(losses, expected, upsampling):
    """Fail unless the losses of a training run are right, and name the operations that can be the cause."""
    expected = np.array(expected)
    wrong = ~np.isclose(losses, expected, rtol=1e-3)
    if not wrong.any():
        return
    step = int(wrong.argmax())
    if step == 0:
        where = (
            "The loss is wrong before the first step, so the forward pass of an operation is wrong: conv2d, "
            f"max_pool2d, the upsampling, {upsampling}, or the loss. Test tasks 1.6, 1.3, 1.10 and that of "
            f"{upsampling}."
        )
    else:
        where = (
            f"The first loss is right, so the forward pass is right. After {step} step{'s' * (step > 1)} the loss is "
            f"wrong, so a gradient is wrong: conv2d_backward, max_pool2d_backward, that of the upsampling, "
            f"{upsampling}, or that of softmax_cross_entropy. Test tasks 1.7, 1.4, 1.10 and the task of {upsampling}."
        )
    raise AssertionError(
        f"{upsampling}: the losses should be {expected.round(4)} and are {losses.round(4)}.\n  → {where}"
    )


def networks_losses(student, upsampling, operation):
    """Train on the student's operations, all of them: the library's would run in the place of one that is missing."""
    always = "conv2d", "conv2d_backward", "max_pool2d", "max_pool2d_backward", "softmax_cross_entropy"
    for name in (*always, operation, f"{operation}_backward"):
        assert name in student.functions, f"the file has no function {name}"
    with student.backend():
        return train_on_squares(upsampling)


@pytest.mark.task("1.12")
def test_a_network_with_nearest_neighbor_upsampling_learns(student):
    losses = networks_losses(student, "nearest", "upsample_nearest")
    expect_losses(losses, [1.137636, 1.015931, 0.910132, 0.800520], "nearest")


@pytest.mark.task("1.12")
def test_a_network_with_bed_of_nails_learns(student):
    losses = networks_losses(student, "bed-of-nails", "bed_of_nails")
    expect_losses(losses, [1.116863, 1.041774, 0.952995, 0.850403], "bed-of-nails")


@pytest.mark.task("1.12")
def test_a_network_with_max_unpooling_learns(student):
    losses = networks_losses(student, "max-unpool", "max_unpool2d")
    expect_losses(losses, [1.107313, 1.027535, 0.942915, 0.855138], "max-unpool")


@pytest.mark.task("1.12")
def test_a_network_with_transpose_convolution_learns(student):
    losses = networks_losses(student, "transpose-conv", "conv_transpose2d")
    expect_losses(losses, [1.191489, 1.027635, 0.990754, 0.887266], "transpose-conv")


@pytest.mark.task("1.12")
def test_your_segmenter_finds_discs_and_rings(student):
    """On scenes to choose by; points come from others. Your operations compute its predictions."""
    try:
        path = student.handed_in(segmenter.FILE)
    except HandedInError:
        raise NotImplementedError(f"{segmenter.FILE} is not written yet: python segmenter.py") from None
    with student.backend():
        student.remark = segmenter.expect_points(path, "val", len(segmenter.MIOU_FOR_POINTS))
