"""Exercises of notebook 05: semantic segmentation, three ways."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, numbers


@exercise("05.1", because="the other class has an IoU of 0: accuracy hides what mean IoU shows")
def background_everywhere(answer: Any) -> str | None:
    """Accuracy and mean IoU: 90 % of the pixels are background, the rest a star, and all are called background."""
    from minivision.metrics import confusion_matrix, mean_iou

    truth = np.repeat([0, 1], [90, 10]).reshape(10, 10)
    matrix = confusion_matrix(truth, np.zeros((10, 10), int), 2)
    accuracy = np.trace(matrix) / matrix.sum()
    mistakes = [
        ([accuracy, 0.9], "the star has an IoU as well, and it is averaged with the background's"),
        ([accuracy, 0], "the background is a class, too: its IoU is .9"),
        ([accuracy, 0.5], "the background's IoU is not 1: it is predicted where the star is"),
    ]
    return numbers(answer, [accuracy, mean_iou(matrix)], mistakes)


@exercise("05.2", because="without a stride only dilation makes a few layers see far; pooling does it for less")
def what_they_see(answer: Any) -> str | None:
    """The side of what a score depends on: of sliding-window, and of full-resolution with its six blocks."""
    from minivision.models import make_model

    window = make_model("sliding-window", ("background", "star"), rng=np.random.default_rng(0)).patch_size
    dilations = [2**k for k in range(5)] + [1]
    full = 3 + 2 * sum(dilations)
    mistakes = [
        ([window, 1 + 2 * sum(dilations)], "the first convolution, before the blocks, sees 3"),
        ([window, 3 + sum(dilations)], "a filter reaches out to both sides"),
        ([window, 3 + 2 * len(dilations)], "that is without dilation: the taps of block k lie 2**k apart"),
        ([window, full + 2 * (32 - 1)], "the last block is not dilated"),
    ]
    return numbers(answer, [window, full], mistakes, atol=0)


@exercise("05.3", because="a weighted mean: the sum of weight times loss, divided by the sum of the weights")
def two_pixels(answer: Any) -> str | None:
    """The loss of two pixels: background with p = 1/2 and weight 0.3, a star with p = 1/4 and weight 1."""
    scores = np.log([[[[0.5, 0.75]], [[0.5, 0.25]]]])
    right, _ = ops.softmax_cross_entropy(scores, np.array([[[0, 1]]]), weight=np.array([0.3, 1]))
    losses = np.log([2.0, 4.0])
    mistakes = [
        (losses.mean(), "that is the mean without weights"),
        ((losses * [0.3, 1]).mean(), "divide by the sum of the weights, not by the number of pixels"),
        ((losses * [0.3, 1]).sum(), "the sum is to be divided by the sum of the weights"),
        ((losses * [1, 0.3]).sum() / 1.3, "the background has the weight 0.3"),
        (losses.sum(), "weights, and a mean"),
    ]
    return numbers(answer, right, mistakes)
