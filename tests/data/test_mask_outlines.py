"""Outlines of masks: the same mask comes back from them, by our rasterization and by scikit-image's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minivision.data.mask_outlines import has_holes, joined, outlines, signed_area, simplified
from minivision.data.rle import polygons_to_mask

MASKS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


@given(MASKS)
def test_the_joined_outline_of_any_mask_is_the_mask_again(mask):
    polygons = outlines(mask)
    assert bool(polygons) == mask.any()
    if polygons:
        np.testing.assert_array_equal(polygons_to_mask([joined(polygons).ravel()], mask.shape), mask)
    if not has_holes(polygons):
        np.testing.assert_array_equal(polygons_to_mask([each.ravel() for each in polygons], mask.shape), mask)


@given(MASKS)
def test_every_center_of_a_pixel_is_inside_as_scikit_image_sees_it(mask):
    from skimage.measure import points_in_poly

    centers = np.argwhere(np.ones_like(mask))[:, ::-1] + 0.5
    crossings = np.zeros(len(centers), int)
    for polygon in outlines(mask):
        crossings += points_in_poly(centers, polygon)
    np.testing.assert_array_equal((crossings % 2).reshape(mask.shape).astype(bool), mask)


def test_a_ring_has_a_hole_and_two_parts_are_two_polygons():
    ring = np.zeros((9, 9), bool)
    ring[1:8, 1:8] = True
    ring[4, 4] = False
    outer, hole = outlines(ring)
    assert signed_area(outer) == pytest.approx(49 - 4 / 8) and signed_area(hole) == pytest.approx(-0.5)  # cut corners
    assert has_holes([outer, hole]) and not has_holes([outer])
    assert outer.min() == 1 and outer.max() == 8 and len(outer) == 8
    parts = np.eye(2, dtype=bool)  # pixels that touch at a corner
    assert [signed_area(each) for each in outlines(parts)] == [0.5, 0.5]


def test_a_simplified_outline_is_near_the_outline():
    y, x = np.mgrid[:200, :200]
    disk = np.hypot(y - 100, x - 90) < 70
    (outline,) = outlines(disk)
    fewer = simplified(outline, 0.5)
    assert 10 < len(fewer) < len(outline) / 2
    mask = polygons_to_mask([fewer.ravel()], disk.shape)
    assert (mask & disk).sum() / (mask | disk).sum() > 0.98
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    np.testing.assert_array_equal(simplified(square, 100), square)  # never fewer than three corners
