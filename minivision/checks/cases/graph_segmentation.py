"""Cases for graph-based segmentation: distinct weights and equal ones, one row, one column, one pixel, no edge.

All colors are whole numbers, so that edges have the same order in float32 and float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision.detection.selective_search import graph_segmentation

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def sorted_edges(rng: np.random.Generator) -> Cases:
    for size in ((3, 4, 1), (4, 3, 3), (1, 6, 3), (6, 1, 2), (2, 2, 1), (1, 1, 3), (12, 17, 3)):
        yield (rng.integers(0, 256, size).astype(float),), {}
        yield (100.0 * rng.integers(0, 2, size),), {}  # many equal weights
    yield (np.full((3, 3, 3), 7.0),), {}


def merge_pixels(rng: np.random.Generator) -> Cases:
    for size, levels in (((3, 4, 1), 256), ((5, 4, 3), 3), ((9, 12, 3), 4), ((14, 11, 1), 256), ((1, 7, 1), 5)):
        image = rng.integers(0, levels, size).astype(float) * (255 // (levels - 1))
        edges, weights = graph_segmentation.sorted_edges(image)
        for k, min_size in ((1, 1), (50, 1), (120, 4), (300, 10**6)):
            yield (edges, weights, size[:2]), {"k": k, "min_size": min_size}
    few = len(edges) // 2
    yield (edges[:few], weights[:few], size[:2]), {"k": 400.0, "min_size": 2.5}
    yield (np.zeros((0, 2), np.int32), np.zeros(0), (2, 3)), {"k": 10, "min_size": 5}
    yield (np.zeros((0, 2), np.int32), np.zeros(0), (1, 1)), {"k": 10, "min_size": 5}
