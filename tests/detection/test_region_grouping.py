"""Regions, their similarities, and the hierarchy they are grouped into."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minivision
from minivision.detection.selective_search.hierarchy import Hierarchy, depths_and_heights
from minivision.detection.selective_search.region_grouping import group, group_regions
from minivision.detection.selective_search.region_histograms import (
    Regions,
    choose_bins,
    describe_regions,
    histogram_bins,
    measure_regions,
    touching_pairs,
)
from minivision.detection.selective_search.similarity import fill_similarity, intersection, similarity, size_similarity


def segmentation(rng, size=(24, 30), regions=12, channels=3, levels=256):
    """Return labels (the nearest of some random points) and an image."""
    points = rng.uniform(0, size, (regions, 2))
    distances = np.hypot(*(np.indices(size)[:, None] - points.T[..., None, None]))
    _, labels = np.unique(distances.argmin(axis=0), return_inverse=True)
    image = rng.integers(0, levels, (*size, channels)).astype(np.float32) * (255 / max(levels - 1, 1))
    return labels.reshape(size).astype(np.int32), image


@given(st.integers(0, 20), st.sampled_from([1, 3]), st.sampled_from([1, 2, 256]))
def test_the_kernels_of_the_histograms_are_the_reference(seed, channels, levels):
    labels, image = segmentation(np.random.default_rng(seed), channels=channels, levels=levels)
    slopes = np.random.default_rng(seed).normal(size=(2, *image.shape)).astype(np.float32)
    angles = np.arange(8) * np.pi / 4
    arguments = image, *slopes, np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    bins = choose_bins(*arguments)
    np.testing.assert_array_equal(bins, choose_bins.reference(*arguments), strict=True)
    numbers = {"num_regions": labels.max() + 1, "num_bins": 105 * channels}
    results = measure_regions(labels, bins, **numbers), measure_regions.reference(labels, bins, **numbers)
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


def test_every_pixel_counts_once_for_each_channel_and_orientation(rng):
    labels, image = segmentation(rng)
    regions = describe_regions(labels, histogram_bins(image))
    np.testing.assert_array_equal(regions.sizes, np.bincount(labels.ravel()))
    np.testing.assert_array_equal(regions.colors.reshape(-1, 3, 25).sum(axis=2), regions.sizes[:, None].repeat(3, 1))
    textures = regions.textures.reshape(-1, 3, 8, 10).sum(axis=3)
    np.testing.assert_array_equal(textures, np.broadcast_to(regions.sizes[:, None, None], textures.shape))
    y, x = np.nonzero(labels == 4)
    np.testing.assert_array_equal(regions.boxes[4], [x.min(), y.min(), x.max() + 1, y.max() + 1])
    expected = np.histogram(image[labels == 4][:, 1], bins=25, range=(0, 256))[0]
    np.testing.assert_array_equal(regions.colors[4].reshape(3, 25)[1], expected)


@pytest.mark.parametrize(("step", "orientation"), [((0, 1), 0), ((1, 1), 1), ((1, 0), 2), ((0, -1), 4), ((-1, 0), 6)])
def test_an_edge_is_seen_by_the_orientation_that_looks_across_it_and_not_by_the_opposite_one(step, orientation):
    y, x = np.indices((30, 30)) - 14.5
    image = np.where(step[0] * y + step[1] * x > 0, 200, 50).astype(np.float32)[..., None]
    bins = histogram_bins(image)[15, 15, 1:].astype(int) - 25 - 10 * np.arange(8)
    # The textures' ranges go up to the largest value of each orientation, which the edge itself has.
    assert bins[orientation] >= 8 and bins[(orientation + 4) % 8] == 0


def test_regions_touch_where_they_share_a_side():
    labels = np.array([[0, 0, 1], [2, 3, 3], [2, 2, 4]], np.int32)
    expected = [(0, 1), (0, 2), (0, 3), (1, 3), (2, 3), (2, 4), (3, 4)]  # 1 and 4 do not, nor 0 and 4
    np.testing.assert_array_equal(touching_pairs(labels), expected)
    assert touching_pairs(np.zeros((3, 3), np.int32)).shape == (0, 2)


def test_the_similarities_by_hand():
    sizes, boxes = np.array([2, 6]), np.array([[0, 0, 2, 1], [1, 2, 4, 4]])
    counts = np.array([[1, 1, 0], [0, 3, 3]])  # of one feature: 1/2 1/2 0 and 0 1/2 1/2
    assert intersection(counts, sizes, 0, 1) == pytest.approx(0.5)
    assert size_similarity(sizes, 0, 1, 100) == pytest.approx(0.92)
    assert fill_similarity(boxes, sizes, 0, 1, 100) == pytest.approx(1 - (16 - 8) / 100)
    regions = Regions(sizes, boxes, counts, np.array([[2, 0], [6, 0]]))  # the same texture: 1
    assert similarity(regions, 0, 1, 100, "CTSF") == pytest.approx(0.5 + 1 + 0.92 + 0.92)
    assert similarity(regions, 0, 1, 100, "F") == pytest.approx(0.92)


def test_the_most_similar_neighbors_merge_first_by_hand():
    """Four stripes of one pixel each. By size alone all pairs are alike at first, and the earliest goes."""
    labels = np.array([[0, 1, 2, 3]], np.int32)
    hierarchy = group(labels, describe_regions(labels, np.zeros((1, 4, 9), np.uint16)), touching_pairs(labels), "S")
    np.testing.assert_array_equal(hierarchy.children, [[0, 1], [2, 3], [4, 5]])
    np.testing.assert_array_equal(hierarchy.boxes[:, [0, 2]], [[0, 1], [1, 2], [2, 3], [3, 4], [0, 2], [2, 4], [0, 4]])
    np.testing.assert_array_equal(hierarchy.boxes[:, [1, 3]], [[0, 1]] * 7)
    np.testing.assert_array_equal(hierarchy.after(0), labels)
    np.testing.assert_array_equal(hierarchy.after(1), [[4, 4, 2, 3]])
    np.testing.assert_array_equal(hierarchy.after(3), [[6, 6, 6, 6]])
    with pytest.raises(ValueError, match="merges: there were 3 in all, got 4"):
        hierarchy.after(4)


def test_colors_that_are_alike_merge_before_others():
    labels = np.array([[0, 1, 2]], np.int32).repeat(4, axis=0)
    colors = np.array([[0, 12], [6, 6], [7, 5]])  # 1 is like 2
    regions = Regions(np.array([12] * 3), np.array([[0, 0, 1, 4], [1, 0, 2, 4], [2, 0, 3, 4]]), colors, colors)
    assert group(labels, regions, touching_pairs(labels), "C").children.tolist() == [[1, 2], [0, 3]]


@given(st.integers(0, 30), st.sampled_from(["CTSF", "TSF", "F", "S", "C"]), st.sampled_from([1, 3, 256]))
def test_the_kernel_groups_as_the_reference_does_ties_included(seed, used, levels):
    labels, image = segmentation(np.random.default_rng(seed), levels=levels)
    regions, pairs = describe_regions(labels, histogram_bins(image)), touching_pairs(labels)
    before = [array.copy() for array in regions]
    found = group_regions(regions, pairs, labels.size, used)
    with minivision.backend("reference"):
        reference = group_regions(regions, pairs, labels.size, used)
    for one, other in zip(found, reference, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    for array, copy in zip(regions, before, strict=True):
        np.testing.assert_array_equal(array, copy)  # not written to
    for one, other in zip(depths_and_heights(found[1]), depths_and_heights.reference(found[1]), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("used", ["CTSF", "TSF", "F", "S"])
def test_at_every_step_the_pair_merged_was_the_most_similar_with_all_measured_anew(rng, used):
    """Merging adds histograms up; here each region is measured again from its pixels."""
    labels, image = segmentation(rng, regions=9)
    bins = histogram_bins(image)
    hierarchy = group(labels, describe_regions(labels, bins), touching_pairs(labels), used)
    for t, (i, j) in enumerate(hierarchy.children):
        now = hierarchy.after(t)
        names, compact = np.unique(now, return_inverse=True)
        compact = compact.reshape(now.shape).astype(np.int32)
        regions = describe_regions(compact, bins)
        np.testing.assert_array_equal(regions.boxes, hierarchy.boxes[names])
        all_pairs = [tuple(pair) for pair in touching_pairs(compact).tolist()]
        values = {pair: similarity(regions, *pair, labels.size, used) for pair in all_pairs}
        merged = tuple(np.searchsorted(names, [i, j]).tolist())
        assert values[merged] == pytest.approx(max(values.values()), abs=1e-12)


def test_the_last_region_is_the_image_and_every_other_has_one_parent(rng):
    labels, image = segmentation(rng, regions=20)
    hierarchy = group(labels, describe_regions(labels, histogram_bins(image)), touching_pairs(labels), "CTSF")
    R = labels.max() + 1
    np.testing.assert_array_equal(hierarchy.boxes[-1], [0, 0, 30, 24])
    np.testing.assert_array_equal(np.sort(hierarchy.children.ravel()), np.arange(2 * R - 2))


def test_depths_count_from_the_image_and_heights_from_the_initial_regions():
    children = np.array([[0, 1], [2, 4], [3, 5]])  # ((0 1) 2) 3
    depths, heights = depths_and_heights(children)
    np.testing.assert_array_equal(depths, [4, 4, 3, 2, 3, 2, 1])
    np.testing.assert_array_equal(heights, [1, 1, 1, 1, 2, 3, 4])


def test_one_region_is_a_hierarchy_too():
    labels = np.zeros((3, 4), np.int32)
    regions = describe_regions(labels, np.zeros((3, 4, 9), np.uint16))
    for backend in ("numba", "reference"):
        with minivision.backend(backend):
            boxes, children = group_regions(regions, touching_pairs(labels), 12, "CTSF")
        hierarchy = Hierarchy(labels, boxes, children)
        assert hierarchy.boxes.tolist() == [[0, 0, 4, 3]] and hierarchy.children.shape == (0, 2)
        np.testing.assert_array_equal(hierarchy.after(0), labels)
    assert [each.tolist() for each in depths_and_heights(children)] == [[1], [1]]


def test_a_chain_of_many_regions_is_grouped_whatever_the_order():
    labels = np.arange(300, dtype=np.int32)[None]
    bins = np.zeros((1, 300, 9), np.uint16)
    children = group(labels, describe_regions(labels, bins), touching_pairs(labels), "S").children
    sizes = [1] * 300
    for i, j in children:
        sizes.append(sizes[i] + sizes[j])
    assert sizes[-1] == 300 and max(np.abs(a - b) for a, b in itertools.pairwise(sizes[300:450])) == 0  # pairs first
