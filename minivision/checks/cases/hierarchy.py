"""Cases for hierarchies: one region, a chain, a balanced tree, random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def depths_and_heights(rng: np.random.Generator) -> Cases:
    yield (np.array([[0, 1], [2, 3]]),), {}
    yield (np.array([[0, 1], [2, 4], [3, 5]]),), {}  # a chain
    yield (np.array([[0, 1], [2, 3], [4, 5]]),), {}  # balanced
    yield (np.zeros((0, 2), np.int64),), {}
    for R in (2, 7, 30, 200):
        regions, children = list(range(R)), []
        while len(regions) > 1:
            children.append(sorted(regions.pop(rng.integers(len(regions))) for _ in range(2)))
            regions.append(R - 1 + len(children))
        yield (np.array(children),), {}
