"""Exercises of notebook 04: transpose convolution."""

from __future__ import annotations

from typing import Any

import numpy as np

from minivision import ops
from minivision.exercises.judge import exercise, numbers


def _size(kernel: int) -> int:
    return ops.conv_transpose2d(np.ones((1, 1, 5, 5)), np.ones((1, 1, kernel, kernel)), stride=2, padding=1).shape[2]


@exercise("04.1", because="(n - 1) stride - 2 p + k")
def sizes(answer: Any) -> str | None:
    """The output's size for five inputs, stride 2, padding 1: with a kernel of 4, and with one of 3."""
    mistakes = [
        ([12, 11], "padding cuts off one at each end"),
        ([14, 13], "padding cuts off here, it does not enlarge"),
        ([2, 3], "that is a convolution; this is the other way"),
        ([10, 10], "only the kernel of 4 makes it exactly twice as large"),
        ([_size(3), _size(4)], "the other way round"),
    ]
    return numbers(answer, [_size(4), _size(3)], mistakes, atol=0)


@exercise("04.2", because="1 and 2 copies in each direction, so 1, 2 and 4 of them: a checkerboard")
def copies(answer: Any) -> str | None:
    """The numbers of copies that occur inside, with a filter of 3 x 3 and stride 2, the least first."""
    counts = ops.conv_transpose2d(np.ones((1, 1, 9, 9)), np.ones((1, 1, 3, 3)), stride=2)[0, 0, 3:-3, 3:-3]
    mistakes = [
        ([1, 2], "that is one direction; in two they multiply"),
        ([1, 2, 3, 4], "3 is no product of 1 and 2"),
        ([4, 2, 1], "the least first"),
    ]
    return numbers(answer, np.unique(counts), mistakes, atol=0)


@exercise("04.3", because="neighboring copies overlap in one place, so it is not the identity: nothing is undone")
def there_and_back(answer: Any) -> str | None:
    """X Xᵀ for the filter (1, 1, 1) on five pixels with stride 2: the four numbers, as [[., .], [., .]]."""
    X = ops.conv_matrix(np.ones((1, 1, 1, 3)), (1, 5), stride=2)
    right = X @ X.T
    mistakes = [
        (np.eye(2), "that would be an inverse"),
        (3 * np.eye(2), "the two rows of X share the pixel in the middle"),
        (np.full((2, 2), 3.0), "the two rows of X share one pixel only"),
        ([[3, 2], [2, 3]], "with stride 2 the two rows of X share one pixel; with stride 1 it would be two"),
    ]
    return numbers(answer, right, mistakes)
