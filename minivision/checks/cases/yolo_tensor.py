"""Cases for YOLO's tensor: grids that are not square, several objects in a cell, on its border, none at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def _objects(rng, count, C, size):
    """Return boxes with centers in an image, and labels."""
    height, width = size
    centers = rng.uniform(0.02, 0.98, (count, 2)) * (width, height)
    halves = rng.uniform(0.02, 0.4, (count, 2)) * (width, height)
    return np.concatenate([centers - halves, centers + halves], axis=1), rng.integers(1, C + 1, count)


def encode_yolo(rng: np.random.Generator) -> Cases:
    double = {"dtype": "float64"}
    yield (np.array([[0.25, 0.25, 0.75, 0.5]]), np.array([2]), 4, 2, 3), {}
    for count, S, B, C, size in (
        (1, 7, 2, 20, (448, 448)),
        (2, (3, 4), 2, 3, (1, 1)),
        (3, (4, 6), 1, 2, (64, 96)),
        (5, (5, 3), 3, 4, (100, 40)),
        (12, (2, 3), 2, 3, (60, 120)),
    ):
        yield (*_objects(rng, count, C, size), S, B, C), {"size": size, **double}
    crowded = np.array([[1, 1, 3, 3], [0, 0, 6, 6], [1, 0, 5, 4], [10, 10, 15, 14]], float)
    yield (crowded, np.array([1, 2, 3, 1]), 2, 2, 3), {"size": (16, 16), **double}
    yield (crowded, np.array([1, 2, 3, 1]), 2, 1, 3), {"size": (16, 16), **double}
    alike = np.array([[0, 0, 4, 4], [2, 0, 6, 4], [0, 2, 4, 6]], float)  # equally large: the first ones stay
    yield (alike, np.array([1, 2, 3]), 2, 2, 3), {"size": (16, 16), **double}
    yield (alike, np.array([3, 3, 1]), 2, 2, 3), {"size": (16, 16), **double}
    border = np.array([[14.0, 2.0, 18.0, 6.0], [2.0, 12.0, 4.0, 20.0], [4.0, 4.0, 12.0, 12.0], [0.0, 0.0, 0.0, 0.0]])
    yield (border, np.array([1, 2, 1, 2]), 4, 2, 2), {"size": (16, 16), **double}
    yield (np.zeros((0, 4)), np.zeros(0, int), (2, 3), 2, 3), double


def decode_yolo(rng: np.random.Generator) -> Cases:
    for shape, B, size in (
        ((2, 2, 13), 2, (1, 1)),
        ((3, 4, 13), 2, (60, 120)),
        ((4, 3, 7), 1, (64, 96)),
        ((2, 5, 18), 3, (100, 40)),
        ((2, 3, 4, 12), 2, (48, 32)),
        ((2, 3, 2, 3, 6), 1, (1, 1)),
        ((0, 3, 3, 13), 2, (30, 30)),
    ):
        yield (rng.random(shape), B), {"size": size}
