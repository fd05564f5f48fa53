"""Cases for grouping: one region, stripes, patches; equal similarities (the first wins); each similarity alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from minivision.detection.selective_search.region_histograms import (
    Regions,
    describe_regions,
    histogram_bins,
    touching_pairs,
)

if TYPE_CHECKING:
    from minivision.checks.cases import Cases


def group_regions(rng: np.random.Generator) -> Cases:
    for size, count in (((6, 9), 2), ((12, 14), 6), ((20, 15), 12)):
        regions, pairs, pixels = _patches(rng, size, count)
        for used in ("CTSF", "TSF", "C", "T"):
            yield (regions, pairs, pixels, used), {}
    yield (*_patches(rng, (18, 30), 25), "CTSF"), {}
    for widths in ([1] * 6, [1, 2, 3, 4], [3, 1, 4, 1, 5, 9, 2, 6]):
        for used in "SF":  # many equals, and of whole numbers
            yield (*_stripes(widths), used), {}
    regions, pairs, pixels = _stripes([3, 2, 4])
    colors = np.array([[0, 12 * 3], [12, 12], [4 * 8, 4 * 4]], np.int32)  # the middle is the more like the last
    yield (regions._replace(colors=colors), pairs, pixels, "C"), {}
    yield (*_stripes([7]), "CTSF"), {}  # nothing to merge


def _patches(rng, size, count):
    """Return regions, the pixels nearest to each of some points; the pairs that touch; and the number of pixels."""
    points = rng.uniform(0, size, (count, 2))
    distances = np.hypot(*(np.indices(size)[:, None] - points.T[..., None, None]))  # (count, H, W)
    _, labels = np.unique(distances.argmin(axis=0), return_inverse=True)
    labels = labels.reshape(size).astype(np.int32)
    colors = rng.uniform(0, 255, (count, 3))[labels] + rng.normal(0, 20, (*size, 3))
    bins = histogram_bins(colors.clip(0, 255).astype(np.float32))
    return describe_regions(labels, bins), touching_pairs(labels), labels.size


def _stripes(widths, height=12):
    """Return the same for stripes side by side, all of one color."""
    ends = np.cumsum(widths)
    sizes, boxes = height * np.array(widths), np.zeros((len(widths), 4), np.int64)
    boxes[:, 0], boxes[:, 2], boxes[:, 3] = ends - widths, ends, height
    counts = np.stack([sizes, 0 * sizes], axis=1).astype(np.int32)
    first = np.arange(len(widths) - 1)
    return Regions(sizes, boxes, counts, counts), np.stack([first, first + 1], axis=1), int(sizes.sum())
