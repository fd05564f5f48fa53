"""Cases for filters along one axis: several radii, weights that reach far beyond the image, one pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def correlate1d(rng: np.random.Generator) -> Cases:
    for size, radius in (((4, 6, 1), 1), ((5, 3, 2), 2), ((7, 8, 3), 3), ((3, 4, 2), 0), ((2, 3, 1), 9)):
        image = rng.uniform(0, 255, size)
        for axis in (0, 1):
            yield (image, rng.standard_normal(2 * radius + 1)), {"axis": axis}
    for axis in (0, 1):
        yield (np.full((1, 1, 2), 3.0), np.array([0.25, 0.5, 0.25])), {"axis": axis}
        yield (rng.uniform(0, 255, (30, 40, 3)), np.array([-0.5, 0.0, 0.5])), {"axis": axis}
