"""Graph-based segmentation, compared with scikit-image's; the kernel compared with the reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.segmentation import felzenszwalb

from minivision.detection import graph_segmentation
from minivision.detection.selective_search.graph_segmentation import merge_pixels, sorted_edges


def patchwork(rng, size):
    """Return an image of noisy patches of random colors."""
    rows, columns = (np.arange(n) // 9 for n in size)
    colors = rng.uniform(40, 215, (rows[-1] + 1, columns[-1] + 1, 3))
    return colors[rows][:, columns] + rng.uniform(-25, 25, (*size, 3))


def same_partition(one, other):
    """Whether two label maps cut an image into the same regions, whatever their numbers."""
    pairs = np.unique(np.stack([one.ravel(), other.ravel()]), axis=1).shape[1]
    return pairs == len(np.unique(one)) == len(np.unique(other))


@pytest.mark.parametrize("size", [(40, 50), (33, 17), (2, 9)])
@pytest.mark.parametrize(("k", "sigma", "min_size"), [(30, 0.8, 1), (100, 0.5, 10), (300, 0.8, 25), (600, 1.2, 40)])
def test_the_partition_is_that_of_scikit_image_where_no_two_edges_weigh_the_same(rng, size, k, sigma, min_size):
    image = patchwork(rng, size)
    ours = graph_segmentation(image, k, sigma=sigma, min_size=min_size)
    theirs = felzenszwalb(image / 255, scale=k, sigma=sigma, min_size=min_size)
    assert same_partition(ours, theirs)


def test_a_larger_k_gives_fewer_regions_and_both_of_them_several(rng):
    image = patchwork(rng, (40, 50))
    many, few = (graph_segmentation(image, k, min_size=10).max() + 1 for k in (100, 600))
    assert 20 < many and 3 < few < many


@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)),
    levels=st.integers(1, 6),
    k=st.sampled_from([1, 20, 100]),
    dtype=st.sampled_from([np.float32, np.float64]),
    seed=st.integers(0, 9),
)
def test_the_kernels_are_the_textbook_with_ties_too(size, levels, k, dtype, seed):
    image = 40 * np.random.default_rng(seed).integers(0, levels, size).astype(dtype)
    edges, weights = sorted_edges(image)
    for found, expected in zip((edges, weights), sorted_edges.reference(image), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)
    labels = merge_pixels(edges, weights, size[:2], k=k, min_size=4)
    expected = merge_pixels.reference(edges, weights, size[:2], k=k, min_size=4)
    np.testing.assert_array_equal(labels, expected, strict=True)


def test_an_edge_for_each_pair_of_the_eight_neighbors_the_weakest_first(rng):
    edges, weights = sorted_edges(rng.uniform(0, 255, (4, 5, 3)))
    assert len(np.unique(np.sort(edges, axis=1), axis=0)) == len(edges) == 4 * 4 + 3 * 5 + 2 * 3 * 4
    rows, columns = np.divmod(edges, 5)
    assert np.maximum(np.abs(np.diff(rows)), np.abs(np.diff(columns))).max() == 1
    assert (np.diff(weights) >= 0).all()


def test_regions_are_numbered_in_the_order_of_their_first_pixels_and_none_is_too_small(rng):
    labels = graph_segmentation(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8), 50, min_size=30)
    _, first = np.unique(labels, return_index=True)
    assert len(first) > 3 and (np.diff(first) > 0).all()
    assert np.bincount(labels.ravel()).min() >= 30 and labels.dtype == np.int32


def test_a_sharp_border_is_kept_a_soft_ramp_is_not():
    image = np.zeros((20, 40), np.uint8)
    image[:, :20] = np.arange(20)  # 0 .. 19
    image[:, 20:] = 200
    labels = graph_segmentation(image, 50, sigma=0)
    assert (labels[:, :20] == 0).all() and (labels[:, 20:] == 1).all()


@pytest.mark.parametrize("size", [(1, 1, 3), (1, 6, 3), (6, 1, 1), (8, 8, 3)])
def test_a_uniform_image_is_one_region(size):
    assert (graph_segmentation(np.full(size, 7, np.uint8), 50) == 0).all()


def test_the_image_is_not_written_to_and_may_be_read_only(rng):
    image = rng.uniform(0, 255, (9, 9, 3)).astype(np.float32)
    before = image.copy()
    image.flags.writeable = False
    graph_segmentation(image, 50, sigma=0)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("image", "k", "message"),
    [
        (np.zeros((0, 5, 3)), 50, "no pixels"),
        (np.zeros((2, 5, 5, 3)), 50, r"expected one image \(H, W, C\)"),
        (np.full((4, 4, 3), np.nan), 50, "not finite"),
        (np.zeros((4, 4, 3)), 0, "k: expected a number greater than 0, got 0"),
    ],
)
def test_what_is_wrong_is_named(image, k, message):
    with pytest.raises(ValueError, match=message):
        graph_segmentation(image, k)
    with pytest.raises(ValueError, match="sigma: expected a number, 0 or more, got -1"):
        graph_segmentation(np.zeros((4, 4, 3)), 50, sigma=-1)
    with pytest.raises(TypeError, match="image: expected numbers"):
        graph_segmentation(np.array([["a"]]), 50)
