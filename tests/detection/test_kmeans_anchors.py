"""Anchors by clustering: they find the clusters there are, by overlap and not by distance, and fit better."""

import numpy as np
import pytest

from minivision import ops
from minivision.detection import kmeans_anchors, mean_best_iou, paired_iou, shape_iou, spread_anchors


def test_the_overlap_of_shapes_is_that_of_boxes_upon_one_corner(rng):
    a, b = rng.uniform(1, 40, (7, 2)), rng.uniform(1, 40, (5, 2))
    expected = ops.box_iou(*(np.concatenate([np.zeros_like(each), each], axis=1) for each in (a, b)))
    np.testing.assert_allclose(shape_iou(a, b), expected)
    assert mean_best_iou(a, b) == pytest.approx(expected.max(axis=1).mean())


def test_the_overlap_of_pairs_is_the_diagonal_of_box_iou(rng):
    corners = rng.uniform(0, 20, (2, 9, 2))
    a, b = np.concatenate([corners, corners + rng.uniform(0, 20, (2, 9, 2))], axis=2)
    a[0, 2:] = a[0, :2]  # without area
    b[0] = a[0]
    np.testing.assert_allclose(paired_iou(a, b), np.diag(ops.box_iou(a, b)), atol=1e-12)
    np.testing.assert_allclose(paired_iou(a[:, None], b), ops.box_iou(a, b), atol=1e-12)
    assert paired_iou(a, b)[0] == 0 and paired_iou(a.astype(np.float32), b.astype(np.float32)).dtype == np.float32


def test_the_clusters_that_there_are_are_found(rng):
    middles = np.array([[10, 10], [12, 40], [60, 20], [70, 80]])
    sizes = (middles[:, None] * rng.uniform(0.9, 1.1, (4, 50, 2))).reshape(-1, 2)
    anchors = kmeans_anchors(rng.permutation(sizes), 4, np.random.default_rng(0))
    np.testing.assert_allclose(anchors, sizes.reshape(4, 50, 2).mean(axis=1), rtol=1e-9)


def test_a_box_goes_to_the_anchor_that_it_overlaps_most_and_not_to_that_of_the_next_length():
    # 40 is nearer to 10 than to 100, but covers a sixth of the large square and 10 covers a sixteenth of it
    sides = np.array(50 * [10] + 2 * [40] + 50 * [100])
    anchors = kmeans_anchors(np.stack([sides, sides], axis=1), 2, np.random.default_rng(0))
    np.testing.assert_allclose(anchors[:, 0], [10, (2 * 40 + 50 * 100) / 52])


def test_clustered_anchors_fit_better_than_picked_ones_and_more_fit_better(rng):
    sizes = rng.uniform(10, 50, (400, 1)) * rng.uniform(0.5, 1.5, (400, 2))
    fits = [mean_best_iou(sizes, kmeans_anchors(sizes, k, np.random.default_rng(0))) for k in (1, 2, 3, 5, 9)]
    assert (np.diff(fits) > 0.01).all()
    for k, fit in zip((1, 2, 3, 5, 9), fits, strict=True):
        assert spread_anchors(sizes, k).shape == (k, 2)
        assert fit > mean_best_iou(sizes, spread_anchors(sizes, k))


def test_the_same_seed_gives_the_same_anchors_the_smallest_first(rng):
    sizes = rng.uniform(10, 50, (100, 2))
    before = sizes.copy()
    anchors = kmeans_anchors(sizes, 5, np.random.default_rng(1))
    np.testing.assert_array_equal(anchors, kmeans_anchors(sizes, 5, np.random.default_rng(1)))
    assert (np.diff(anchors.prod(axis=1)) >= 0).all()
    np.testing.assert_array_equal(sizes, before)


def test_fewer_different_boxes_than_anchors_and_none_at_all():
    anchors = kmeans_anchors([[5, 6], [5, 6], [9, 9], [0, 3]], 4, np.random.default_rng(0))
    assert anchors.shape == (4, 2) and {tuple(anchor) for anchor in anchors} <= {(5, 6), (9, 9)}
    for sizes in ([], [[0, 3]]):
        with pytest.raises(ValueError, match="no box of positive width and height"):
            kmeans_anchors(sizes, 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="k: expected at least one"):
        kmeans_anchors([[1, 1]], 0, np.random.default_rng(0))
