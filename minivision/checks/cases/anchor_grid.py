"""Cases for anchors: one box and many at a location, maps and strides that are not square, no location at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def anchor_grid(rng: np.random.Generator) -> Cases:
    yield ((2, 3), 8, (16,), (1.0,)), {}
    double = {"dtype": "float64"}
    yield ((2, 3), 8, (16,), (1.0,)), double
    yield ((3, 2), 16, (10, 20, 37), (1.0,)), double
    yield ((2, 2), 8, (12,), (0.5, 1.0, 2.0)), double
    yield ((1, 1), 4, (10, 20), (0.5, 3.0)), double
    yield ((3, 4), (8, 4), (11,), (0.7,)), {"offset": 0.5, **double}
    yield ((4, 3), 16, (8, 24, 48), (0.5, 1.0, 2.0)), {"offset": 0.5, **double}
    sizes, ratios = rng.uniform(5, 50, 2).round(2), rng.uniform(0.3, 3, 3).round(2)
    yield ((5, 2), (6, 10), tuple(sizes.tolist()), tuple(ratios.tolist())), {"offset": 0.25, **double}
    yield ((0, 4), 8, (16, 32), (1.0, 2.0)), double
