"""Cases for the features of regions: one channel and several, flat images, one region, one for each pixel.

Colors and derivatives are multiples of 1/4 whose largest is a power of two, so that no value lies at the border of two
bins in float32 but not in float64.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def choose_bins(rng: np.random.Generator) -> Cases:
    axes = np.array([1.0, 0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0, -1.0])
    for size, largest in (((3, 4, 1), 16), ((4, 3, 3), 4), ((1, 5, 2), 64), ((10, 12, 3), 32)):
        image = rng.integers(0, 256, size).astype(float)
        right, down = rng.integers(-4 * largest, 4 * largest + 1, (2, *size)) / 4
        right[0, 0], right[0, -1], down[0, 0], down[0, -1] = largest, -largest, largest, -largest
        yield (image, right, down, *axes), {}
        yield (image, right, down, axes[0][:1], axes[1][:1]), {}
    flat = np.full((2, 3, 1), 255.0)
    yield (flat, np.zeros_like(flat), np.zeros_like(flat), *axes), {}  # no derivative above 0
    yield (np.zeros((1, 1, 3)), np.zeros((1, 1, 3)), np.ones((1, 1, 3)), *axes), {}


def measure_regions(rng: np.random.Generator) -> Cases:
    for size, regions, features, num_bins in (((3, 4), 2, 1, 4), ((5, 4), 4, 3, 9), ((12, 9), 10, 27, 60)):
        labels = rng.permutation(np.arange(size[0] * size[1]) % regions).reshape(size).astype(np.int32)
        bins = rng.integers(0, num_bins, (*size, features)).astype(np.uint16)
        yield (labels, bins), {"num_regions": regions, "num_bins": num_bins}
        yield (0 * labels, bins), {"num_regions": 1, "num_bins": num_bins}
        yield (np.arange(labels.size).reshape(size), bins), {"num_regions": labels.size, "num_bins": num_bins + 3}
    yield (np.zeros((1, 1), np.int32), np.full((1, 1, 2), 5, np.uint16)), {"num_regions": 1, "num_bins": 6}
