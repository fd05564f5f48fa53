"""Cases for similarities: regions side by side, one inside of the other, far apart; no pair, one, many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def fill_similarity(rng: np.random.Generator) -> Cases:
    boxes = np.array([[0, 0, 4, 6], [4, 0, 9, 6], [1, 1, 3, 4], [9, 8, 12, 10], [0, 7, 1, 10]])
    sizes = np.array([18, 30, 6, 5, 3])
    i, j = np.triu_indices(len(boxes), 1)
    for image_size in (120, 1000):
        yield (boxes, sizes, i, j, image_size), {}
    yield (boxes, sizes, j[:3], i[:3], 120), {}
    yield (boxes, sizes, i[:0], j[:0], 120), {}
    for height, width, count in ((20, 30, 2), (40, 25, 9), (300, 500, 30)):
        low, high = np.sort(rng.integers(0, [[width], [height]], (2, 2, count)), axis=0)  # (2, count) each
        boxes = np.concatenate([low, high + 1]).T
        areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
        sizes = 1 + (areas * rng.random(count)).astype(np.int64) * 9 // 10
        i, j = rng.integers(0, count, (2, 3 * count))
        yield (boxes, sizes, i, j, height * width), {}
