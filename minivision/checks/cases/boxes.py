"""Cases for boxes: none, one, many; without area, inverted, outside, huge; any axes before the last where allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from minivision.checks.cases import Cases
    from minivision.core.types import Array

AWKWARD = np.array(
    [
        [1.0, 2.0, 5.0, 9.0],
        [3.0, 3.0, 3.0, 8.0],  # no width
        [4.0, 4.0, 4.0, 4.0],  # a point
        [7.0, 6.0, 2.0, 1.0],  # inverted
        [-20.0, -30.0, -5.0, -2.0],
        [1e6, 1e6, 2e6, 3e6],
        [-1e7, -1e7, 1e7, 1e7],
        [1.0, 2.0, 5.0, 9.0],  # the first once more
    ]
)


def random_boxes(rng: np.random.Generator, count: int, size: float = 40.0) -> Array:
    """Return boxes of positive width and height around an image of this size."""
    corners = rng.uniform(-0.2 * size, 0.9 * size, (count, 2))
    return np.concatenate([corners, corners + rng.uniform(0.05 * size, 0.6 * size, (count, 2))], axis=1)


def _some(rng):
    yield AWKWARD
    for count in (0, 1, 7, 70):
        yield random_boxes(rng, count)


def _shaped(rng):
    yield from _some(rng)
    yield random_boxes(rng, 6).reshape(2, 3, 4)
    yield random_boxes(rng, 1)[0]
    yield np.zeros((3, 0, 4))


def box_area(rng: np.random.Generator) -> Cases:
    for boxes in _shaped(rng):
        yield (boxes,), {}


def box_convert(rng: np.random.Generator) -> Cases:
    formats = ("xyxy", "xywh", "cxcywh")
    for boxes in _shaped(rng):
        for in_fmt in formats:
            for out_fmt in formats:
                yield (boxes, in_fmt, out_fmt), {}


def box_iou(rng: np.random.Generator) -> Cases:
    for a in _some(rng):
        for b in _some(rng):
            yield (a, b), {}


def clip_boxes_to_image(rng: np.random.Generator) -> Cases:
    for boxes in _shaped(rng):
        yield (boxes, (30, 20)), {}
        yield (boxes, (0, 5)), {}
    yield (np.array([[np.nan, -np.inf, np.inf, 3.0]]), (30, 20)), {}


def remove_small_boxes(rng: np.random.Generator) -> Cases:
    for boxes in _some(rng):
        for min_size in (0, 5.0, 12.5):
            yield (boxes, min_size), {}
    yield (np.array([[0.0, 0.0, 5.0, 5.0], [0.0, 0.0, np.nan, 9.0]]), 5), {}  # just large enough; not a number


_WEIGHTS: list[dict[str, Any]] = [{}, {"weights": (10, 10, 5.0, 5.0)}, {"weights": [1.0, 2.0, 3.0, 4.0]}]


def encode_boxes(rng: np.random.Generator) -> Cases:
    for count in (0, 1, 7, 70):
        for keywords in _WEIGHTS:
            yield (random_boxes(rng, count), random_boxes(rng, count)), keywords
    yield (random_boxes(rng, 6).reshape(2, 3, 4), random_boxes(rng, 3)), {}
    yield (random_boxes(rng, 1)[0], random_boxes(rng, 3)), {}


def decode_boxes(rng: np.random.Generator) -> Cases:
    for count in (0, 1, 7, 70):
        for keywords in _WEIGHTS:
            yield (rng.standard_normal((count, 4)), random_boxes(rng, count)), keywords
    yield (rng.standard_normal((3, 5, 4)), random_boxes(rng, 3)[:, None]), {}  # a box of each of five classes
    yield (rng.standard_normal((2, 3, 4)), random_boxes(rng, 3)), {}  # two images, the same anchors
    yield (4 * rng.standard_normal((len(AWKWARD), 4)), AWKWARD / 1e3), {}
    yield (np.array([[0.0, 0.0, 80.0, -200.0], [np.inf, np.nan, 4.2, 4.1]]), random_boxes(rng, 2)), {}
    far = np.array([[6.0, -7.0, 0.5, -0.5], [-5.0, 9.0, -1.0, 1.0]])  # centers many widths away: they have no limit
    yield (far, random_boxes(rng, 2)), {}
    yield (10 * far, random_boxes(rng, 2)), {"weights": (10, 10, 10, 10)}
