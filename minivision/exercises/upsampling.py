"""Exercises of notebook 03: upsampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, numbers


@exercise("03.1", because="copied four times, the gradient is the sum; used once, it is the one at the nail")
def gradient_of_a_corner(answer: Any) -> str | None:
    """With dy of 0 to 15, row by row: the gradient of the upper left input, of nearest neighbor and of bed of nails."""
    dy = np.arange(16.0).reshape(1, 1, 4, 4)
    nearest, nails = (back(dy)[0, 0, 0, 0] for back in (ops.upsample_nearest_backward, ops.bed_of_nails_backward))
    mistakes = [
        ([nearest / 4, nails], "the number was copied, not divided: the sum of the block, not its mean"),
        ([nearest, nearest], "the zeros around the nail do not depend on the input"),
        ([0 + 1 + 2 + 3, nails], "the block is two rows of two"),
    ]
    return numbers(answer, [nearest, nails], mistakes)


@exercise("03.2", because="output pixels lie a quarter and three quarters of the way from one center to the next")
def bilinear_row(answer: Any) -> str | None:
    """What bilinear upsampling makes of the row (1, 2): four numbers."""
    right = ops.upsample_bilinear(np.array([[[[1.0, 2]]]]), (1, 2)).ravel()
    mistakes = [
        ([1, 1, 2, 2], "that is nearest neighbor"),
        (np.linspace(1, 2, 4), "that puts corners on corners; a value belongs to the middle of its pixel"),
        ([1, 1.5, 2, 2], "that puts output pixel 2 i on input pixel i; a value belongs to the middle of its pixel"),
        ([0.75, 1.25, 1.75, 2.25], "beyond the outermost centers nothing is continued: the border's value stays"),
    ]
    return numbers(answer, right, mistakes)


@exercise("03.3", because="the backward pass of pooling added two gradients there, so its transpose adds, too")
def taken_twice(answer: Any) -> str | None:
    """The row (1, 2, 9, 3, 4), pooled with windows of 3 and stride 2; then (10, 20) unpooled there: five numbers."""
    _, indices = ops.max_pool2d(np.array([[[[1.0, 2, 9, 3, 4]]]]), (1, 3), stride=(1, 2))
    right = ops.max_unpool2d(np.array([[[[10.0, 20]]]]), indices, (1, 5)).ravel()
    mistakes = [
        ([0, 0, 20, 0, 0], "the second number replaced the first one; then it would not be the transpose"),
        ([0, 0, 10, 0, 0], "only the first window wrote; 9 is the maximum of both"),
        ([0, 0, 10, 20, 0], "the windows overlap: both have the 9, at the same place"),
        ([10, 0, 20, 0, 0], "the numbers go where the maximum was, not to where the window begins"),
        ([0, 0, 15, 0, 0], "not the mean: that would be no transpose"),
    ]
    return numbers(answer, right, mistakes)
